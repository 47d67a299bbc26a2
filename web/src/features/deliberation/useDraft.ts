import { useState } from 'react';
import { keepInTab, keptInTab } from '@/ui/kept';

interface FollowUpDraft {
  readonly text: string;
  readonly write: (text: string) => void;
  /** Lets go of what was sent, unless it has been changed since. */
  readonly sent: (text: string) => void;
}

/** The next question of a conversation while it is written, kept in this tab over reloads and other pages. */
export function useDraft(sessionId: string): FollowUpDraft {
  const name = `followUp.${sessionId}`;
  const [text, setText] = useState(() => keptInTab(name) ?? '');
  const write = (next: string) => {
    keepInTab(name, next === '' ? null : next);
    setText(next);
  };
  const sent = (sentText: string) => {
    if (keptInTab(name) === sentText) keepInTab(name, null);
    setText((now) => (now === sentText ? '' : now));
  };
  return { text, write, sent };
}
