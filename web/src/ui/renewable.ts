import { lazy, type ComponentType, type LazyExoticComponent } from 'react';

interface Renewal<P> {
  /** Stands where the component does not come. Without it the failure is thrown. */
  readonly instead?: ComponentType<P>;
  /** So long after a failure nothing is tried again. */
  readonly restMs?: number;
}

/**
 * Gives the function that gives a component which is loaded when it is needed; where that failed, a new one.
 *
 * React's `lazy` keeps a failure for ever. Take what the function gives as the state of a component that is committed
 * while it waits, with a `Suspense` inside it: React renders what failed a second time before it believes it.
 */
export function renewable<P extends object>(
  load: () => Promise<ComponentType<P>>,
  { instead, restMs = 0 }: Renewal<P> = {},
): () => LazyExoticComponent<ComponentType<P>> {
  let failedAt: number | null = null;
  const begin = () =>
    lazy(async () => {
      try {
        return { default: await load() };
      } catch (error) {
        failedAt = performance.now();
        if (instead === undefined) throw error;
        return { default: instead };
      }
    });
  let part = begin();
  return () => {
    if (failedAt !== null && performance.now() - failedAt >= restMs) {
      failedAt = null;
      part = begin();
    }
    return part;
  };
}
