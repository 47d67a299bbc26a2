/** The moments of a log that are worth stepping to, and where each event stands in time. Pure. */
import type { MagiEvent } from '@/protocol/types';

/**
 * `again` is a further attempt of a lane, `abstention` a lane that ended without a vote that could be read, `end` the
 * terminal event.
 */
export type MomentKind = 'start' | 'again' | 'vote' | 'verdict' | 'failure' | 'abstention' | 'recovery' | 'end';

export interface Moment {
  readonly kind: MomentKind;
  readonly seq: number;
  /** Milliseconds since the first event. */
  readonly atMs: number;
  readonly agentId: string | null;
  readonly event: MagiEvent;
}

/**
 * Milliseconds from the first event to each, never falling: a log that went on on another machine may have taken its
 * clock, too, and a timestamp that is none counts as the one before it.
 */
export function offsetsOf(events: readonly MagiEvent[], known: readonly number[] = []): readonly number[] {
  const offsets = known.slice(0, events.length);
  const first = events[0];
  if (first === undefined) return offsets;
  const origin = Date.parse(first.timestamp);
  let last = offsets.at(-1) ?? 0;
  for (const event of events.slice(offsets.length)) {
    const at = Date.parse(event.timestamp) - origin;
    if (at > last) last = at;
    offsets.push(last);
  }
  return offsets;
}

/** The moments of `events`, in their order. `offsets` are those of `offsetsOf`. */
export function momentsOf(events: readonly MagiEvent[], offsets: readonly number[]): readonly Moment[] {
  const moments: Moment[] = [];
  events.forEach((event, place) => {
    const kind = kindOf(event);
    if (kind === null) return;
    const agentId = 'agentId' in event ? (event.agentId ?? null) : null;
    moments.push({ kind, seq: event.seq, atMs: offsets[place] ?? 0, agentId, event });
  });
  return moments;
}

function kindOf(event: MagiEvent): MomentKind | null {
  switch (event.type) {
    case 'agent_start':
      return event.attempt > 1 ? 'again' : 'start';
    case 'vote':
      return 'vote';
    case 'verdict':
      return 'verdict';
    case 'agent_complete':
      if (event.status === 'failed') return 'failure';
      // A vote to abstain is a vote; this is a lane that gave none.
      return event.status === 'abstained' ? 'abstention' : null;
    case 'trace':
      return event.trace.action === 'recovery' ? 'recovery' : null;
    case 'complete':
    case 'cancelled':
    case 'error':
      return 'end';
    default:
      return null;
  }
}
