/** What the pages see of a deliberation that is being followed, live or from its log. */
import type { DeliberationState, MagiEvent } from '@/protocol/types';
import type { ApiProblem, Unreachable } from '@/transport/api';

/** How events reach this page. `poll` is the fallback where something on the way gathers the stream. */
export type Carrier = 'socket' | 'stream' | 'poll';

/**
 * The way to the server, as it stands.
 *
 * `lost` since `sinceMs` (epoch) with the number of tries; `refused` is final: the backend does not give this log.
 */
export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly carrier: Carrier; readonly reason?: 'buffered' | 'no_stream' }
  | { readonly kind: 'lost'; readonly sinceMs: number; readonly tries: number }
  | { readonly kind: 'ended' }
  | { readonly kind: 'refused'; readonly error: ApiProblem | Unreachable };

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
