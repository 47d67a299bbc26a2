/** How fast a lane streams: measured where it ended, an estimate while it runs, nothing where neither can be told. */
import type { Snapshot } from '@/live/live';
import type { LaneState } from '@/protocol/types';

export interface Pace {
  readonly tokensPerS: number;
  readonly isEstimated: boolean;
}

/** Shorter, and the figure would say more of the network than of the model. */
const SHORTEST_MS = 500;

export function paceOf({ state, times, events, connection }: Snapshot, agentId: string, nowMs: number): Pace | null {
  const lane = state.lanes.find((candidate) => candidate.agentId === agentId);
  if (lane === undefined) return null;
  const firstAt = firstWordAt(events, agentId, lane.attempt);
  if (firstAt === null) return null;
  const time = times[agentId];
  if (lane.status != null) {
    const lastAt = time?.votedAt ?? time?.lastTextAt ?? null;
    return lastAt === null ? null : measured(lane, lastAt - firstAt);
  }
  // Over a way that is lost or refused nothing comes, which says nothing of the model.
  if (lane.decision != null || state.status !== 'running' || connection.kind === 'lost' || connection.kind === 'refused') return null; // prettier-ignore
  return rate(estimatedTokens(lane.thinking) + estimatedTokens(lane.text), nowMs - firstAt, true);
}

/** What the provider counted is of all calls; of a lane that began again the time of one call says nothing. */
function measured({ usage, attempt }: LaneState, streamedMs: number): Pace | null {
  if (usage == null || attempt > 1 || (usage.uncountedCalls ?? 0) > 0) return null;
  return rate(usage.outputTokens, streamedMs, false);
}

function rate(tokens: number, ms: number, isEstimated: boolean): Pace | null {
  if (tokens <= 0 || ms < SHORTEST_MS) return null;
  return { tokensPerS: Math.max(1, Math.round((tokens * 1000) / ms)), isEstimated };
}

/** When the current attempt's first word came, thinking included: the provider's count includes it too. */
function firstWordAt(events: Snapshot['events'], agentId: string, attempt: number): number | null {
  const from =
    attempt > 1 ? events.findLastIndex((event) => event.type === 'agent_start' && event.agentId === agentId) : 0;
  for (let place = Math.max(0, from); place < events.length; place += 1) {
    const event = events[place];
    const isWord = event?.type === 'chunk' || event?.type === 'thinking';
    if (isWord && event.agentId === agentId) return Date.parse(event.timestamp);
  }
  return null;
}

const SAMPLE_CHARS = 1_000;
const WIDE = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]/g;

/** About four letters of an alphabet a token, and one of Japanese, Chinese or Korean; the share is taken from the end. */
export function estimatedTokens(text: string): number {
  if (text === '') return 0;
  const sample = text.slice(-SAMPLE_CHARS);
  const wide = (sample.match(WIDE)?.length ?? 0) / sample.length;
  return text.length * (wide + (1 - wide) / 4);
}
