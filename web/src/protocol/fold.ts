/**
 * The fold: events to the state of a deliberation, by the rules of the server's protocol/fold.py.
 *
 * Any prefix of a log folds; events of unknown types and lanes never announced are taken as they come. Every state is a
 * value: what an event did not change is the same object in the next state.
 */
import type { AgentComplete, DeliberationState, LaneState, MagiEvent, Start, VoteCast } from './types';

/** The state before the first event. */
export const EMPTY: DeliberationState = { status: 'empty', cursor: 0, lanes: [] };

/** Gives the state after `event`; one at or below the cursor was seen before and changes nothing. */
export function fold(state: DeliberationState, event: MagiEvent): DeliberationState {
  if (event.seq <= state.cursor) return state;
  const next = { ...state, status: state.status === 'empty' ? 'running' : state.status, cursor: event.seq };
  switch (event.type) {
    case 'start':
      return { ...next, start: event, lanes: seated(state.lanes, event) };
    case 'agent_start':
      return begun(next, blank(event.agentId, event.attempt));
    case 'chunk':
      next.lanes = changed(state.lanes, event.agentId, (lane) => ({ ...lane, text: lane.text + event.content }));
      return next;
    case 'thinking':
      next.lanes = changed(state.lanes, event.agentId, (lane) => ({
        ...lane,
        thinking: lane.thinking + event.content,
      }));
      return next;
    case 'vote':
      return { ...next, lanes: changed(state.lanes, event.agentId, (lane) => voted(lane, event)) };
    case 'verdict':
      return { ...next, verdict: event, lanes: changed(state.lanes, event.agentId, (lane) => lane) };
    case 'agent_complete':
      return { ...next, lanes: changed(state.lanes, event.agentId, (lane) => ended(lane, event)) };
    case 'complete':
      return { ...unended(next), status: 'complete', complete: event };
    case 'cancelled':
      return { ...unended(next), status: 'cancelled', cancelled: event };
    case 'error':
      return { ...unended(next), status: 'error', error: event };
    case 'trace':
      return next;
    default:
      // A type of a newer writer.
      event satisfies never;
      return next;
  }
}

/** Gives the state after `events`, which go on from `state`. */
export function foldAll(events: Iterable<MagiEvent>, state: DeliberationState = EMPTY): DeliberationState {
  let folded = state;
  for (const event of events) folded = fold(folded, event);
  return folded;
}

/** Whether an event ends its log. */
export function isTerminal(event: MagiEvent): boolean {
  return event.type === 'complete' || event.type === 'cancelled' || event.type === 'error';
}

function blank(agentId: string, attempt: number): LaneState {
  return { agentId, text: '', thinking: '', attempt };
}

/** The council's order, even where a lane's event came first, which only a log with a hole can show. */
function seated(lanes: readonly LaneState[], start: Start): readonly LaneState[] {
  const seats = new Map(start.council.agents.map(({ agentId }) => [agentId, blank(agentId, 0)]));
  for (const lane of lanes) seats.set(lane.agentId, lane);
  return [...seats.values()];
}

/** A new attempt voids what the lane said before, a vote or verdict included. */
function begun(state: DeliberationState, lane: LaneState): DeliberationState {
  const { verdict, ...others } = state;
  const kept = verdict && verdict.agentId !== lane.agentId ? { verdict } : {};
  return { ...others, ...kept, lanes: changed(state.lanes, lane.agentId, () => lane) };
}

function changed(
  lanes: readonly LaneState[],
  agentId: string,
  change: (lane: LaneState) => LaneState,
): readonly LaneState[] {
  const place = lanes.findIndex((lane) => lane.agentId === agentId);
  const lane = lanes[place];
  if (lane === undefined) return [...lanes, change(blank(agentId, 0))];
  const next = change(lane);
  return next === lane ? lanes : lanes.with(place, next);
}

function voted(lane: LaneState, { decision, confidence, reasoning }: VoteCast): LaneState {
  return { ...lane, decision, confidence, reasoning };
}

function ended(lane: LaneState, { status, cause, usage, durationMs }: AgentComplete): LaneState {
  const { cause: _former, ...others } = lane;
  return { ...others, status, usage, durationMs, ...(cause == null ? {} : { cause }) };
}

function unended(state: DeliberationState): DeliberationState {
  const { complete: _complete, cancelled: _cancelled, error: _error, ...others } = state;
  return others;
}
