import { useSyncExternalStore } from 'react';

/** As wide as two lanes need to stand side by side; the stylesheets say the same in `rem`. */
const NARROW = '(max-width: 46rem)';

export function useIsNarrow(): boolean {
  return useSyncExternalStore(subscribe, isNarrow);
}

function subscribe(listener: () => void): () => void {
  const query = matchMedia(NARROW);
  query.addEventListener('change', listener);
  return () => query.removeEventListener('change', listener);
}

function isNarrow(): boolean {
  return matchMedia(NARROW).matches;
}
