/** The way between this page and a deliberation's log, as people are told of it. */
import type { ApiProblem, Unreachable } from '@/protocol/failures';

/** How events reach this page. `poll` is the fallback where something on the way gathers the stream. */
export type Carrier = 'socket' | 'stream' | 'poll';

/** Why events are polled for: they came late and gathered, or no stream came about at all. */
export type PollReason = 'buffered' | 'no_stream';

/**
 * The way to the server, as it stands.
 *
 * `lost` since `sinceMs` (epoch) with the number of tries; `refused` is final: the backend does not give this log.
 */
export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly carrier: Carrier; readonly reason?: PollReason }
  | { readonly kind: 'lost'; readonly sinceMs: number; readonly tries: number }
  | { readonly kind: 'ended' }
  | { readonly kind: 'refused'; readonly error: ApiProblem | Unreachable };
