/** A deliberation seen calmly: what the drawer shows changes a few times a second, however fast events come. */
import { useMemo, useSyncExternalStore } from 'react';
import type { LiveDeliberation, Snapshot } from '@/live/live';

export const CALM_MS = 300;

interface CalmView {
  readonly subscribe: (listener: () => void) => () => void;
  readonly snapshot: () => Snapshot;
}

/** Hands on the first change at once and what follows it within `everyMs` together. */
export function calmly(live: LiveDeliberation, everyMs = CALM_MS): CalmView {
  let seen = live.snapshot();
  const subscribe = (listener: () => void) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      timer = undefined;
      if (live.snapshot() === seen) return;
      seen = live.snapshot();
      timer = setTimeout(look, everyMs);
      listener();
    };
    const end = live.subscribe(() => {
      if (timer === undefined) look();
    });
    look();
    return () => {
      clearTimeout(timer);
      end();
    };
  };
  return { subscribe, snapshot: () => seen };
}

export function useCalmSnapshot(live: LiveDeliberation): Snapshot {
  const view = useMemo(() => calmly(live), [live]);
  return useSyncExternalStore(view.subscribe, view.snapshot);
}
