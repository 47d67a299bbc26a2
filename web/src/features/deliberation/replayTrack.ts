/** What is drawn above the scrubber: for each agent, when it was at work, and its moments. Pure. */
import { momentsOf, offsetsOf, type Moment } from '@/live/replayMoments';
import type { AgentCard, MagiEvent } from '@/protocol/types';

/** One attempt of a lane, from its beginning to its end, as shares of the whole time from 0 to 1. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** A later attempt voided what was said in it. */
  readonly isVoid: boolean;
}

export interface MomentMark {
  readonly at: number;
  readonly moment: Moment;
}

export interface TrackRow {
  readonly agent: AgentCard;
  readonly stretches: readonly Stretch[];
  readonly marks: readonly MomentMark[];
}

export interface Track {
  readonly rows: readonly TrackRow[];
  /** Moments of no agent: a recovery, the end. */
  readonly general: readonly MomentMark[];
}

/** A track of a log whose first event is its `start`; without that there are no rows. */
export function trackOf(events: readonly MagiEvent[]): Track {
  const offsets = offsetsOf(events);
  const durationMs = offsets.at(-1) ?? 0;
  const share = (ms: number) => (durationMs === 0 ? 0 : ms / durationMs);
  const marks = momentsOf(events, offsets).map((moment) => ({ at: share(moment.atMs), moment }));
  const first = events[0];
  const agents = first?.type === 'start' ? first.council.agents : [];
  const rows = agents.map((agent) => ({
    agent,
    stretches: stretchesOf(agent.agentId, events, (place) => share(offsets[place] ?? 0)),
    marks: marks.filter(({ moment }) => moment.agentId === agent.agentId && moment.kind !== 'start'),
  }));
  return { rows, general: marks.filter(({ moment }) => moment.agentId === null) };
}

function stretchesOf(
  agentId: string,
  events: readonly MagiEvent[],
  shareAt: (place: number) => number,
): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let from: number | null = null;
  const end = (place: number, isVoid: boolean) => {
    if (from !== null) stretches.push({ from, to: shareAt(place), isVoid });
    from = null;
  };
  events.forEach((event, place) => {
    if (!('agentId' in event) || event.agentId !== agentId) return;
    if (event.type === 'agent_start') {
      end(place, true);
      from = shareAt(place);
    } else if (event.type === 'agent_complete') {
      end(place, false);
    }
  });
  end(events.length - 1, false);
  return stretches;
}
