/** The query keys that several pages share, since they show the same things. The backend's key keeps its answers apart. */

/** Every list of deliberations lies below this key, so that what changes one of them renews every list. */
export function listsKey(backend: string) {
  return [backend, 'lists'] as const;
}

/** The list that `page` shows. */
export function listKey(backend: string, page: 'ask' | 'compare' | 'history') {
  return [...listsKey(backend), page] as const;
}

export function departuresKey(backend: string) {
  return [backend, 'departures'] as const;
}
