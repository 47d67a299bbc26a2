import { useLayoutEffect, useSyncExternalStore } from 'react';

/** Too narrow for page and drawer side by side; TraceDrawer.module.css says the same. */
const NARROW = '(width < 64rem)';

export function useIsModal(): boolean {
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

/** Keeps the focus from going under what covers the page. What comes after `main` is said and shown on top of both. */
export function useAlone(isModal: boolean): void {
  // The page is free before anything gives the focus back to it.
  useLayoutEffect(() => {
    if (!isModal) return undefined;
    const covered = pageParts();
    for (const part of covered) part.setAttribute('inert', '');
    return () => {
      for (const part of covered) part.removeAttribute('inert');
    };
  }, [isModal]);
}

function pageParts(): Element[] {
  const parts: Element[] = [];
  for (
    let part = document.getElementById('content') as Element | null;
    part !== null;
    part = part.previousElementSibling
  ) {
    parts.push(part);
  }
  return parts;
}
