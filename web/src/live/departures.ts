/**
 * Deliberations that were deleted on this page. They go at once; the server hears of it when the time to undo is over.
 *
 * They are kept beside the lists, not in them, so that no answer of the server brings one back; and in the query cache,
 * so that they outlast the page that deleted them, and every page that lists deliberations leaves them out.
 */
import { skipToken, useQuery } from '@tanstack/react-query';
import { useBackend } from './backend';
import { departuresKey } from './queryKeys';

/** `refused` is shown again, with the reason. */
export type Departure = { readonly kind: 'gone' } | { readonly kind: 'refused'; readonly error: unknown };
export type Departures = Readonly<Record<string, Departure>>;

export const NO_DEPARTURES: Departures = {};

export function useDepartures(): Departures {
  const { key } = useBackend();
  const { data = NO_DEPARTURES } = useQuery<Departures>({
    queryKey: departuresKey(key),
    queryFn: skipToken,
    staleTime: Infinity,
    gcTime: Infinity,
  });
  return data;
}

/** Those that are still to be seen. */
export function remaining<T extends { readonly deliberationId: string }>(
  items: readonly T[],
  departures: Departures,
): readonly T[] {
  return items.filter((item) => departures[item.deliberationId]?.kind !== 'gone');
}
