/** What a page shows of a lane besides its text, so that a lane that streams renders again only where that changes. */
import { useMemo } from 'react';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation, Snapshot } from '@/live/live';
import type { Decision, LaneStatus } from '@/protocol/types';

export interface LaneFacts {
  /** 0 before the lane has begun. */
  readonly attempt: number;
  readonly hasText: boolean;
  readonly hasThinking: boolean;
  /** null while it speaks. */
  readonly status: LaneStatus | null;
  readonly cause: string | null;
  readonly decision: Decision | null;
  readonly confidence: number | null;
  readonly reasoning: string | null;
  readonly durationMs: number | null;
}

const UNKNOWN: LaneFacts = {
  attempt: 0,
  hasText: false,
  hasThinking: false,
  status: null,
  cause: null,
  decision: null,
  confidence: null,
  reasoning: null,
  durationMs: null,
};

export function laneFacts({ state }: Snapshot, agentId: string): LaneFacts {
  const lane = state.lanes.find((candidate) => candidate.agentId === agentId);
  if (lane === undefined) return UNKNOWN;
  return {
    attempt: lane.attempt,
    hasText: lane.text !== '',
    hasThinking: lane.thinking !== '',
    status: lane.status ?? null,
    cause: lane.cause ?? null,
    decision: lane.decision ?? null,
    confidence: lane.confidence ?? null,
    reasoning: lane.reasoning ?? null,
    durationMs: lane.durationMs ?? null,
  };
}

/** The same object for as long as nothing in it changed. */
export function useLaneFacts(source: LiveDeliberation, agentId: string): LaneFacts {
  const select = useMemo(() => steady((snapshot: Snapshot) => laneFacts(snapshot, agentId)), [agentId]);
  return useSelected(source, select);
}

/** Gives the object given before where the new one has the same fields. */
export function steady<In, Out extends object>(select: (from: In) => Out): (from: In) => Out {
  let last: Out | null = null;
  return (from) => {
    const next = select(from);
    const before = last;
    if (before !== null && isSame(before, next)) return before;
    last = next;
    return next;
  };
}

function isSame<T extends object>(a: T, b: T): boolean {
  return (Object.keys(b) as (keyof T)[]).every((key) => Object.is(a[key], b[key]));
}
