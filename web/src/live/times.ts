/** When things happened in each lane, by the events' own timestamps. Pure, like the fold. */
import type { MagiEvent } from '@/protocol/types';
import type { LaneTimes } from './live';

/** By `agentId`. */
export type Times = Readonly<Record<string, LaneTimes>>;

/** Gives the times after `event`; a lane that it is not about keeps its object. */
export function timed(times: Times, event: MagiEvent): Times {
  switch (event.type) {
    case 'agent_start':
      return { ...times, [event.agentId]: begun(event) };
    case 'chunk': {
      const lane = laneOf(times, event);
      const lastTextAt = Date.parse(event.timestamp);
      return { ...times, [event.agentId]: { ...lane, firstTextAt: lane.firstTextAt ?? lastTextAt, lastTextAt } };
    }
    case 'vote':
    case 'verdict':
      return { ...times, [event.agentId]: { ...laneOf(times, event), votedAt: Date.parse(event.timestamp) } };
    case 'agent_complete':
      return { ...times, [event.agentId]: { ...laneOf(times, event), endedAt: Date.parse(event.timestamp) } };
    default:
      return times;
  }
}

/** A lane that was never begun, which only an odd log can show, begins with what is first heard of it. */
function laneOf(times: Times, event: MagiEvent & { readonly agentId: string }): LaneTimes {
  return times[event.agentId] ?? begun(event);
}

function begun(event: MagiEvent): LaneTimes {
  const startedAt = Date.parse(event.timestamp);
  return { startedAt, firstTextAt: null, lastTextAt: null, votedAt: null, endedAt: null };
}
