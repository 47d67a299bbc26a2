import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useBackend } from '@/live/backend';
import type { Mode, Start, StartRequest } from '@/protocol/types';
import { paths } from '@/ui/paths';

/** As the server counts them (protocol/requests.py). */
export const QUESTION_CHARS = 32_000;

interface Ask {
  /** Who will be asked: the council of this deliberation, as far as the server still has it. */
  readonly councilId: string;
  readonly starting: Mode | null;
  readonly error: unknown;
  /** Starts the next turn and goes to its page. */
  readonly ask: (question: string, mode: Mode) => void;
}

/** Goes on with the conversation of the deliberation that `start` began. */
export function useAsk(start: Start): Ask {
  const { key, api } = useBackend();
  const [, navigate] = useLocation();
  const councils = useQuery({ queryKey: [key, 'councils'], queryFn: ({ signal }) => api.councils(signal) });
  // A council that was given whole with its question is known to nobody else.
  const isKept = councils.data?.some(({ id }) => id === start.council.id) ?? true;
  const councilId = isKept ? start.council.id : 'magi';
  const [starting, setStarting] = useState<Mode | null>(null);
  const [error, setError] = useState<unknown>(null);
  const attempt = useRef({ request: '', key: '' });

  const begin = async (request: StartRequest, mode: Mode) => {
    const written = JSON.stringify(request);
    // The same request under the same key: what a lost answer hid is found again, not run twice.
    if (attempt.current.request !== written) attempt.current = { request: written, key: randomKey() };
    setStarting(mode);
    setError(null);
    try {
      const id = await api.start(request, attempt.current.key);
      navigate(paths.deliberation(id));
    } catch (failure) {
      setError(failure);
    } finally {
      setStarting(null);
    }
  };
  const ask = (question: string, mode: Mode) => {
    if (starting === null) void begin({ question, mode, sessionId: start.sessionId, council: councilId }, mode);
  };
  return { councilId, starting, error, ask };
}

/** `crypto.randomUUID` is there in secure contexts only, which a server in the next room is not. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
