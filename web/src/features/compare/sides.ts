/** The two sides: where the address says what they are, and what the server says of them. */
import { useQuery } from '@tanstack/react-query';
import { useLocation, useSearch } from 'wouter';
import { useBackend } from '@/live/backend';
import type { DeliberationState } from '@/protocol/types';
import { hasEnded } from './alignment';

export type SideName = 'a' | 'b';
export type Pair = Readonly<Record<SideName, string | null>>;

const REFRESH_MS = 4_000;

export function readPair(search: string): Pair {
  const params = new URLSearchParams(search);
  const read = (name: SideName) => {
    const id = params.get(name)?.trim() ?? '';
    return id === '' ? null : id;
  };
  return { a: read('a'), b: read('b') };
}

export function writePair(pair: Pair): string {
  const params = new URLSearchParams();
  if (pair.a !== null) params.set('a', pair.a);
  if (pair.b !== null) params.set('b', pair.b);
  return params.toString();
}

export function usePair(): readonly [Pair, (pair: Pair) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  // The question mark stays: under hash routing a place without one keeps the query that was there.
  return [readPair(search), (pair) => navigate(`${path}?${writePair(pair)}`)];
}

export type Side =
  | { readonly kind: 'unchosen' }
  | { readonly kind: 'loading'; readonly id: string }
  | { readonly kind: 'failed'; readonly id: string; readonly error: unknown; readonly retry: () => void }
  | { readonly kind: 'shown'; readonly id: string; readonly state: DeliberationState };

export function useSide(id: string | null): Side {
  const { api, key } = useBackend();
  const { data, error, refetch } = useQuery({
    queryKey: ['compare', key, 'state', id],
    queryFn: ({ signal }) => api.state(id ?? '', signal),
    enabled: id !== null,
    refetchInterval: ({ state }) => (state.data !== undefined && !hasEnded(state.data) ? REFRESH_MS : false),
  });
  if (id === null) return { kind: 'unchosen' };
  // What was once shown stays while a refresh fails.
  if (data !== undefined) return { kind: 'shown', id, state: data };
  return error === null ? { kind: 'loading', id } : { kind: 'failed', id, error, retry: () => void refetch() };
}
