/**
 * The moment of a replay in the page's address: `#seq=N`; under hash routing, where the fragment is the path with its
 * query, `?seq=N` in there. What is written replaces the entry of the history.
 */
import { useCallback } from 'react';
import { useLocation, useRouter, useSearch } from 'wouter';
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
    return url.href;
  }
  const [path = '', query = ''] = url.hash.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  if (seq === null) parameters.delete('seq');
  else parameters.set('seq', String(seq));
  url.hash = parameters.size === 0 ? path : `${path}?${parameters}`;
  return url.href;
}

export interface ReplayPosition {
  /** The moment that the address asks for. */
  readonly seq: number | null;
  readonly routing: Routing;
  readonly write: (seq: number | null) => void;
}

/** Told by how links are written, because the hook of a routing may be any. */
export function useRouting(): Routing {
  const router = useRouter();
  return router.hrefs('/', router).startsWith('#') ? 'hash' : 'path';
}

export function useReplayPosition(): ReplayPosition {
  const routing = useRouting();
  const [, navigate] = useLocation();
  const search = useSearch();
  const fragment = useLocationProperty(currentFragment);
  const write = useCallback(
    (seq: number | null) => {
      const href = withSeq(location.href, seq, routing);
      if (href === location.href) return;
      if (routing === 'path') history.replaceState(history.state, '', href);
      // Only the router tells those who read the fragment.
      else navigate(new URL(href).hash.slice(1), { replace: true });
    },
    [routing, navigate],
  );
  return { seq: seqIn(routing === 'hash' ? search : fragment), routing, write };
}

function currentFragment(): string {
  return location.hash;
}
