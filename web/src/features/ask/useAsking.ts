/** Sends a question, once: a retry after a lost answer goes under the same key, and attaches to what has begun. */
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useBackend } from '@/live/backend';
import type { StartRequest } from '@/protocol/types';
import { inTurn, TIMING } from '@/transport/patience';
import { paths } from '@/ui/paths';
import { keepDraft, keepSent, keptSent } from './memory';
import { EMPTY, randomKey, sentAs } from './question';

export type Asking =
  | { readonly kind: 'ready' }
  /** `isInLine`: the server is overloaded, and is asked again when it said to. */
  | { readonly kind: 'waiting'; readonly isInLine: boolean }
  /** Nobody waits any more; the server may have begun all the same. */
  | { readonly kind: 'left' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface Asker {
  readonly asking: Asking;
  readonly ask: (request: StartRequest) => void;
  readonly cancel: () => void;
  /** Forgets how the last asking ended. */
  readonly clear: () => void;
}

export function useAsking(): Asker {
  const backend = useBackend();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState<Asking>({ kind: 'ready' });
  const waiting = useRef<AbortController | null>(null);
  useEffect(() => () => waiting.current?.abort(), []);

  const ask = async (request: StartRequest) => {
    if (waiting.current !== null) return;
    const controller = new AbortController();
    waiting.current = controller;
    setAsking({ kind: 'waiting', isInLine: false });
    const sent = sentAs(request, keptSent(), randomKey);
    keepSent(sent);
    try {
      const start = () => backend.api.start(request, sent.key, controller.signal);
      const id = await inTurn(start, TIMING, controller.signal, () => setAsking({ kind: 'waiting', isInLine: true }));
      if (controller.signal.aborted) return;
      // Answered: the same question, asked again on purpose, is a new one.
      keepSent(null);
      keepDraft(EMPTY);
      setAsking({ kind: 'ready' });
      navigate(paths.deliberation(id));
    } catch (error) {
      if (!controller.signal.aborted) setAsking({ kind: 'failed', error });
    } finally {
      if (waiting.current === controller) waiting.current = null;
    }
  };
  return {
    asking,
    ask: (request) => void ask(request),
    cancel: () => {
      if (waiting.current === null) return;
      waiting.current.abort();
      waiting.current = null;
      setAsking({ kind: 'left' });
    },
    clear: () => setAsking((before) => (before.kind === 'waiting' ? before : { kind: 'ready' })),
  };
}
