/**
 * The fold: events to the state of a deliberation, by the rules of the server's protocol/fold.py.
 *
 * Any prefix of a log folds; events of unknown types and lanes never announced are taken as they come. Every state is a
 * value: what an event did not change is the same object in the next state.
 */
import type {
  AgentComplete,
  Cancelled,
  Complete,
  DeliberationState,
  Failed,
  LaneState,
  MagiEvent,
  Start,
  VoteCast,
} from './types';

/** The state before the first event. */
export const EMPTY: DeliberationState = { status: 'empty', cursor: 0, lanes: [] };

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Gives the state after `event`; one at or below the cursor was seen before and changes nothing. */
export function fold(state: DeliberationState, event: MagiEvent): DeliberationState {
  if (event.seq <= state.cursor) return state;
  const next: Draft<DeliberationState> = { ...state, cursor: event.seq };
  if (next.status === 'empty') next.status = 'running';
  take(next, event);
  return next;
}

function take(next: Draft<DeliberationState>, event: MagiEvent): void {
  switch (event.type) {
    case 'start':
      next.start = event;
      next.lanes = seated(next.lanes, event);
      break;
    case 'agent_start':
      // A new attempt voids what the lane said before, a vote or verdict included.
      next.lanes = changed(next.lanes, event.agentId, () => blank(event.agentId, event.attempt));
      if (next.verdict?.agentId === event.agentId) delete next.verdict;
      break;
    case 'chunk':
      next.lanes = changed(next.lanes, event.agentId, (lane) => ({ ...lane, text: lane.text + event.content }));
      break;
    case 'thinking':
      next.lanes = changed(next.lanes, event.agentId, (lane) => ({
        ...lane,
        thinking: lane.thinking + event.content,
      }));
      break;
    case 'vote':
      next.lanes = changed(next.lanes, event.agentId, (lane) => voted(lane, event));
      break;
    case 'verdict':
      next.lanes = changed(next.lanes, event.agentId, (lane) => lane);
      next.verdict = event;
      break;
    case 'agent_complete':
      next.lanes = changed(next.lanes, event.agentId, (lane) => ended(lane, event));
      break;
    case 'complete':
    case 'cancelled':
    case 'error':
      conclude(next, event);
      break;
    case 'trace':
      break;
    default:
      // A type of a newer writer.
      event satisfies never;
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
  const next: Draft<LaneState> = { ...lane, status, usage, durationMs };
  if (cause == null) delete next.cause;
  else next.cause = cause;
  return next;
}

function conclude(next: Draft<DeliberationState>, event: Complete | Cancelled | Failed): void {
  delete next.complete;
  delete next.cancelled;
  delete next.error;
  next.status = event.type;
  if (event.type === 'complete') next.complete = event;
  else if (event.type === 'cancelled') next.cancelled = event;
  else next.error = event;
}
