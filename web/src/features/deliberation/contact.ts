/** How far what a page shows of a running deliberation is still so, by the way to the server. */
import { useEffect, useState } from 'react';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation, Snapshot } from '@/live/live';

/** `refused`: the server answers, and does not give this log. */
export type Contact = 'kept' | 'lost' | 'refused';

/** A way that comes back sooner is nobody's concern. */
export const PATIENCE_MS = 3_000;

/** `nowMs`: the epoch on this machine's clock, as the connection tells since when it is lost. */
export function contactOf({ connection, events }: Pick<Snapshot, 'connection' | 'events'>, nowMs: number): Contact {
  switch (connection.kind) {
    case 'refused':
      return 'refused';
    case 'lost':
      return nowMs - connection.sinceMs >= PATIENCE_MS ? 'lost' : 'kept';
    case 'connecting':
      // With events, this is the try after a refusal, of which nothing is known yet.
      return events.length > 0 ? 'lost' : 'kept';
    default:
      return 'kept';
  }
}

/** A replay needs no way, so to it contact is always kept. */
export function useContact(live: LiveDeliberation): Contact {
  const [nowMs, setNowMs] = useState(() => Date.now());
  const sinceMs = useSelected(live, ({ connection }) => (connection.kind === 'lost' ? connection.sinceMs : null));
  useEffect(() => {
    if (sinceMs === null) return undefined;
    const lateMs = sinceMs + PATIENCE_MS;
    const timer = setTimeout(() => setNowMs(Math.max(lateMs, Date.now())), Math.max(0, lateMs - Date.now()));
    return () => clearTimeout(timer);
  }, [sinceMs]);
  return useSelected(live, (snapshot) => contactOf(snapshot, nowMs));
}
