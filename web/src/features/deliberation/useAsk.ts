import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useBackend } from '@/live/backend';
import type { Mode, Start, StartRequest } from '@/protocol/types';
import { paths } from '@/ui/paths';
import { judgeOf } from './judgeOf';

/** As the server counts them (protocol/requests.py). */
export const QUESTION_CHARS = 32_000;

interface Ask {
  /** Who will be asked: the council of this deliberation, as far as the server still has it. */
  readonly councilId: string;
  /** What its judge is called; null where it has none, and nobody who could answer alone. */
  readonly judge: string | null;
  readonly starting: Mode | null;
  readonly error: unknown;
  /** Starts the next turn and goes to its page. */
  readonly ask: (question: string, mode: Mode) => void;
}

/** Goes on with the conversation of the deliberation that `start` began. */
export function useAsk(start: Start, onStarted: (question: string) => void): Ask {
  const { key, api } = useBackend();
  const [, navigate] = useLocation();
  const councils = useQuery({ queryKey: [key, 'councils'], queryFn: ({ signal }) => api.councils(signal) });
  // A council that was given whole with its question is known to nobody else.
  const isKept = councils.data?.some(({ id }) => id === start.council.id) ?? true;
  const councilId = isKept ? start.council.id : 'magi';
  // It may have been changed since it was asked, or be another one.
  const judge = judgeOf(councils.data?.find(({ id }) => id === councilId)?.agents ?? start.council.agents);
  const [starting, setStarting] = useState<Mode | null>(null);
  const [error, setError] = useState<unknown>(null);
  const attempt = useRef({ request: '', key: '' });

  const begin = async (request: StartRequest, mode: Mode, question: string) => {
    const written = JSON.stringify(request);
    // The same request under the same key: what a lost answer hid is found again, not run twice.
    if (attempt.current.request !== written) attempt.current = { request: written, key: randomKey() };
    setStarting(mode);
    setError(null);
    try {
      const id = await api.start(request, attempt.current.key);
      onStarted(question);
      navigate(paths.deliberation(id));
    } catch (failure) {
      setError(failure);
    } finally {
      setStarting(null);
    }
  };
  const ask = (question: string, mode: Mode) => {
    if (starting !== null) return;
    void begin({ question: question.trim(), mode, sessionId: start.sessionId, council: councilId }, mode, question);
  };
  return { councilId, judge, starting, error, ask };
}

/** `crypto.randomUUID` is there in secure contexts only, which a server in the next room is not. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
