import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useBackend, useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import type { HistoryItem } from '@/protocol/types';

/** As many as the server gives at once. */
const TURNS = 100;

export interface Turns {
  /** The latest, the oldest of them first; null while they are not known. */
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
    // As a list: a conversation that has only just begun is an empty one, and no error.
    queryFn: ({ signal }) => backend.api.list({ sessionId, limit: TURNS }, signal),
  });
  useEffect(() => {
    if (isOver) void queries.invalidateQueries({ queryKey: [backend.key, 'session', sessionId] });
  }, [isOver, queries, backend.key, sessionId]);
  return {
    items: data?.items.toReversed() ?? null,
    hasMore: data?.nextCursor != null,
    error: data === undefined ? error : null,
    retry: () => void refetch(),
  };
}
