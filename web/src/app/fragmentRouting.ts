/**
 * Routing within the fragment, query included (`#/compare?a=…&b=…`), for hosts that answer one path only.
 *
 * wouter's own keeps the query before the fragment, so that a link opened in another tab finds nothing.
 */
import { useSyncExternalStore } from 'react';
import type { BaseLocationHook } from 'wouter';

const EVENTS = ['hashchange', 'popstate', 'magi:navigated'] as const;

function subscribe(listener: () => void): () => void {
  for (const event of EVENTS) addEventListener(event, listener);
  return () => {
    for (const event of EVENTS) removeEventListener(event, listener);
  };
}

/** The path and the query of a fragment; a leading slash may be missing. */
export function parts(fragment: string): { readonly path: string; readonly search: string } {
  const [path = '', search = ''] = fragment.replace(/^#?\/?/, '').split(/\?(.*)/s);
  return { path: `/${path}`, search };
}

function navigate(to: string, options?: { readonly replace?: boolean; readonly state?: unknown }): void {
  const address = `#${to}`;
  if (options?.replace === true) history.replaceState(options.state ?? null, '', address);
  else history.pushState(options?.state ?? null, '', address);
  // Neither call tells anybody.
  dispatchEvent(new Event('magi:navigated'));
}

function useFragmentPath(): ReturnType<BaseLocationHook> {
  return [useSyncExternalStore(subscribe, () => parts(location.hash).path), navigate];
}

function useFragmentSearch(): string {
  return useSyncExternalStore(subscribe, () => parts(location.hash).search);
}

export const useFragmentLocation: BaseLocationHook = Object.assign(useFragmentPath, {
  searchHook: useFragmentSearch,
  hrefs: (href: string) => `#${href}`,
});
