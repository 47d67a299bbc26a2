/** The backend that the pages talk to, and the React hooks by which they reach it and what it streams. */
import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { Api } from '@/transport/api';
import type { LiveDeliberation, Snapshot } from './live';

/** One of the configured backends, opened. */
export interface Backend {
  /** Its place in the configuration, as text; part of query keys, so that no answer of one is shown for another. */
  readonly key: string;
  readonly name: string;
  readonly kind: 'direct' | 'agentcore' | 'lambda';
  readonly api: Api;
  /**
   * A deliberation of this backend; the same object for the same id while anybody listens to it, and a little longer.
   * Asking for it does nothing yet: following begins with its first listener and ends some seconds after the last.
   */
  deliberation(id: string): LiveDeliberation;
}

export const BackendContext = createContext<Backend | null>(null);

export function useBackend(): Backend {
  const backend = useContext(BackendContext);
  if (backend === null) throw new Error('useBackend is used outside the application');
  return backend;
}

/** The deliberation of this id; it is followed while a component selects from it. */
export function useLive(id: string): LiveDeliberation {
  return useBackend().deliberation(id);
}

/** Selects from the snapshot and renders again only where the selection changed (by `Object.is`). */
export function useSelected<T>(live: LiveDeliberation, select: (snapshot: Snapshot) => T): T {
  const subscribe = useCallback((listener: () => void) => live.subscribe(listener), [live]);
  return useSyncExternalStore(subscribe, () => select(live.snapshot()));
}
