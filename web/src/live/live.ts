/** What the pages see of a deliberation that is being followed, live or from its log. */
import type { DeliberationState, MagiEvent } from '@/protocol/types';
import type { Connection } from '@/transport/connection';

export type { Carrier, Connection } from '@/transport/connection';

/** Whether the work was asked to stop, as far as the server has confirmed it. */
export type Stopping = 'no' | 'asked' | 'failed';

/**
 * When things happened in a lane, in epoch milliseconds by the events' own timestamps; null where not (yet).
 *
 * They belong to the current attempt.
 */
export interface LaneTimes {
  readonly startedAt: number;
  readonly firstTextAt: number | null;
  readonly lastTextAt: number | null;
  readonly votedAt: number | null;
  readonly endedAt: number | null;
}

/** One state of everything a page shows. Parts that did not change are the same objects as before. */
export interface Snapshot {
  readonly state: DeliberationState;
  readonly times: Readonly<Record<string, LaneTimes>>;
  readonly connection: Connection;
  readonly stopping: Stopping;
  /** Every event so far, in order; the array is replaced when it grows. `events[i].seq === i + 1`. */
  readonly events: readonly MagiEvent[];
  /** Whether these are the events that the digest in `complete` was made of; null while that cannot be told. */
  readonly verified: boolean | null;
}

/** A deliberation, followed from its first listener until some seconds after its last; shared by what shows it. */
export interface LiveDeliberation {
  readonly id: string;
  /** Calls `listener` after a change, at most once a frame of the screen. Gives the function that ends it. */
  subscribe(listener: () => void): () => void;
  /** The same object until something changed. */
  snapshot(): Snapshot;
  /** Asks the server to stop the work; what came of it is in the snapshot. */
  stop(): Promise<void>;
  /** Tries the way to the server again at once. */
  reconnect(): void;
}
