/** Two deliberations laid beside each other: which agent stands in which row, and what of it differs. */
import type { AgentCard, DeliberationState, LaneState, Role, Score } from '@/protocol/types';

/** One agent on one side. `card` is absent where the log begins without a start; `lane` before it has begun. */
export interface Seat {
  readonly agentId: string;
  readonly name: string;
  readonly role: Role;
  readonly card: AgentCard | null;
  readonly lane: LaneState | null;
  /** The judge's mark for it. */
  readonly score: Score | null;
}

/** The same agent on both sides; null where it has no seat. */
export interface Row {
  readonly agentId: string;
  readonly a: Seat | null;
  readonly b: Seat | null;
}

export function seatsOf(state: DeliberationState): readonly Seat[] {
  const lanes = new Map(state.lanes.map((lane) => [lane.agentId, lane]));
  const scores = new Map(state.verdict?.scores.map((score) => [score.agentId, score]));
  const cards = new Map(state.start?.council.agents.map((card) => [card.agentId, card]));
  return [...new Set([...cards.keys(), ...lanes.keys()])].map((agentId) => {
    const card = cards.get(agentId) ?? null;
    return {
      agentId,
      name: card?.name ?? agentId.toUpperCase(),
      role: card?.role ?? (state.verdict?.agentId === agentId ? 'judge' : 'sage'),
      card,
      lane: lanes.get(agentId) ?? null,
      score: scores.get(agentId) ?? null,
    };
  });
}

/** Whether it was a chat, in which the judge alone answers: no sage is asked, and no rule decides. */
export function isChat({ start, complete }: DeliberationState): boolean {
  return start == null ? complete?.outcome === 'answered' : start.mode === 'chat';
}

/** A row for every sage of either side: in the order of the left council, then those of the right one alone. */
export function alignedSages(a: DeliberationState | null, b: DeliberationState | null): readonly Row[] {
  const [left, right] = [sagesOf(a), sagesOf(b)];
  return [...new Set([...left.keys(), ...right.keys()])].map((agentId) => ({
    agentId,
    a: left.get(agentId) ?? null,
    b: right.get(agentId) ?? null,
  }));
}

function sagesOf(state: DeliberationState | null): ReadonlyMap<string, Seat> {
  const seats = state === null || isChat(state) ? [] : seatsOf(state);
  return new Map(seats.filter(({ role }) => role === 'sage').map((seat) => [seat.agentId, seat]));
}

export function judgeOf(state: DeliberationState): Seat | null {
  return seatsOf(state).find(({ role }) => role === 'judge') ?? null;
}

export type Difference<T> =
  | { readonly kind: 'same'; readonly value: T }
  | { readonly kind: 'changed'; readonly from: T; readonly to: T }
  | { readonly kind: 'only_a' | 'only_b'; readonly value: T };

/** How `a` and `b` differ; null where neither side has anything to compare. */
export function difference<T extends string | number>(
  a: T | null | undefined,
  b: T | null | undefined,
): Difference<T> | null {
  if (a == null) return b == null ? null : { kind: 'only_b', value: b };
  if (b == null) return { kind: 'only_a', value: a };
  return a === b ? { kind: 'same', value: a } : { kind: 'changed', from: a, to: b };
}

export function hasEnded(state: DeliberationState): boolean {
  return state.status !== 'running' && state.status !== 'empty';
}
