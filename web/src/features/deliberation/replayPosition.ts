/**
 * The moment of a replay in the page's address: `#seq=N`; under hash routing, where the fragment is the path, `?seq=N`.
 *
 * wouter keeps the query before the fragment under both routings. What is written replaces the entry of the history.
 */
import { useCallback } from 'react';
import { useRouter, useSearch } from 'wouter';
import { useLocationProperty } from 'wouter/use-browser-location';

export type Routing = 'path' | 'hash';

/** The seq that a query or fragment asks for; null where it asks for none that there can be. */
export function seqIn(parameters: string): number | null {
  const asked = new URLSearchParams(parameters.replace(/^[#?]/, '')).get('seq');
  return asked !== null && /^[1-9]\d{0,14}$/.test(asked) ? Number(asked) : null;
}

/** The address `href`, leading to the moment of that seq; to the end where it is null. */
export function withSeq(href: string, seq: number | null, routing: Routing): string {
  const url = new URL(href);
  if (routing === 'path') {
    url.hash = seq === null ? '' : `seq=${seq}`;
  } else if (seq === null) {
    url.searchParams.delete('seq');
  } else {
    url.searchParams.set('seq', String(seq));
  }
  return url.href;
}

export interface ReplayPosition {
  /** The moment that the address asks for. */
  readonly seq: number | null;
  readonly routing: Routing;
  readonly write: (seq: number | null) => void;
}

export function useReplayPosition(): ReplayPosition {
  const router = useRouter();
  // Told by how links are written, because the hook of a routing may be any.
  const routing = router.hrefs('/', router).startsWith('#') ? 'hash' : 'path';
  const search = useSearch();
  const fragment = useLocationProperty(currentFragment);
  const write = useCallback((seq: number | null) => writeSeq(seq, routing), [routing]);
  return { seq: seqIn(routing === 'hash' ? search : fragment), routing, write };
}

function writeSeq(seq: number | null, routing: Routing): void {
  const href = withSeq(location.href, seq, routing);
  if (href !== location.href) history.replaceState(history.state, '', href);
}

function currentFragment(): string {
  return location.hash;
}
