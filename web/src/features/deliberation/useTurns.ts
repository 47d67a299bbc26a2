import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useBackend, useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import { ApiProblem } from '@/protocol/failures';
import type { HistoryItem, SessionTurns } from '@/protocol/types';

export interface Turns {
  /** The oldest first; null while they are not known. */
  readonly items: readonly HistoryItem[] | null;
  readonly hasMore: boolean;
  readonly error: Error | null;
  readonly retry: () => void;
}

/** The turns of the conversation that a deliberation belongs to; asked for again when it ends. */
export function useTurns(live: LiveDeliberation, sessionId: string): Turns {
  const backend = useBackend();
  const queries = useQueryClient();
  const isOver = useSelected(live, ({ state }) => state.status !== 'running' && state.status !== 'empty');
  const { data, error, refetch } = useQuery({
    queryKey: [backend.key, 'session', sessionId],
    queryFn: ({ signal }) => backend.api.session(sessionId, signal).catch(withoutTurns),
  });
  useEffect(() => {
    if (isOver) void queries.invalidateQueries({ queryKey: [backend.key, 'session', sessionId] });
  }, [isOver, queries, backend.key, sessionId]);
  return {
    items: data?.items ?? null,
    hasMore: data?.nextCursor != null,
    error: data === undefined ? error : null,
    retry: () => void refetch(),
  };
}

/** The history hears of a deliberation a moment after it has begun; until then its conversation has no turns. */
function withoutTurns(error: unknown): SessionTurns {
  if (!(error instanceof ApiProblem) || error.problem.code !== 'session_not_found') throw error;
  return { sessionId: '', items: [], nextCursor: null };
}
