import { useState } from 'react';
import { keepDraft, keptDraft } from './memory';
import type { Draft } from './question';

/** What is being written, kept in this tab over reloads and other pages. */
export function useDraft(): readonly [Draft, (change: Partial<Draft>) => void] {
  const [draft, setDraft] = useState(keptDraft);
  const change = (fields: Partial<Draft>) => {
    const next = { ...draft, ...fields };
    keepDraft(next);
    setDraft(next);
  };
  return [draft, change];
}
