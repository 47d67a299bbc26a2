/** The figures of a deliberation: measured, or null. Pure. */
import { offsetsOf } from '@/live/replayMoments';
import type { AgentCard, MagiEvent, Usage } from '@/protocol/types';

/** `null` wherever nothing was measured (yet). */
export interface Figures {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
  /** Calls whose tokens the provider did not count: they are in none of the figures. */
  readonly uncountedCalls: number | null;
  readonly costUsd: number | null;
  /** From the beginning of the attempt that stands to its first token, thinking included. */
  readonly firstTokenMs: number | null;
  readonly durationMs: number | null;
  readonly attempts: number | null;
  readonly modelCalls: number | null;
  /** Output tokens a second, over the time in which they came; in total: those of all agents, which speak at once. */
  readonly tokensPerS: number | null;
}

export interface AgentFigures extends Figures {
  readonly agent: AgentCard;
}

export interface AllFigures {
  readonly agents: readonly AgentFigures[];
  readonly total: Figures;
}

interface Tally {
  readonly agent: AgentCard;
  attempts: number;
  modelCalls: number;
  startedMs: number;
  firstMs: number | null;
  lastMs: number;
  /** The time in which tokens came, of the attempts before this one. */
  spokenMs: number;
  usage: Usage | null;
  costUsd: number | null;
  durationMs: number | null;
}

export function figures(events: readonly MagiEvent[]): AllFigures {
  const offsets = offsetsOf(events);
  const first = events[0];
  const tallies = new Map<string, Tally>();
  if (first?.type === 'start') for (const agent of first.council.agents) tallies.set(agent.agentId, empty(agent));
  let firstTokenMs: number | null = null;
  let lastTokenMs = 0;
  for (const [place, event] of events.entries()) {
    const tally = 'agentId' in event && event.agentId != null ? tallies.get(event.agentId) : undefined;
    const atMs = offsets[place] ?? 0;
    if (event.type === 'chunk' || event.type === 'thinking') firstTokenMs ??= atMs;
    if (SPOKEN.has(event.type)) lastTokenMs = atMs;
    if (tally !== undefined) count(tally, event, atMs);
  }
  const agents = [...tallies.values()].map(figuresOf);
  const spokenMs = firstTokenMs === null ? 0 : lastTokenMs - firstTokenMs;
  return { agents, total: totalOf(events.at(-1), offsets.at(-1) ?? null, agents, { firstTokenMs, spokenMs }) };
}

/** What tokens come with: a ballot's are counted with the text's. */
const SPOKEN = new Set<string>(['chunk', 'thinking', 'vote', 'verdict']);

function count(tally: Tally, event: MagiEvent, atMs: number): void {
  switch (event.type) {
    case 'agent_start':
      tally.spokenMs += spokenMs(tally);
      Object.assign(tally, { attempts: event.attempt, startedMs: atMs, firstMs: null });
      break;
    case 'chunk':
    case 'thinking':
      tally.firstMs ??= atMs;
      tally.lastMs = atMs;
      break;
    case 'vote':
    case 'verdict':
      if (tally.firstMs !== null) tally.lastMs = atMs;
      break;
    case 'trace':
      if (event.trace.action === 'model_call') tally.modelCalls += 1;
      break;
    case 'agent_complete':
      tally.usage = event.usage;
      tally.costUsd = event.costUsd ?? null;
      tally.durationMs = event.durationMs;
      break;
    default:
  }
}

function empty(agent: AgentCard): Tally {
  return {
    agent,
    attempts: 0,
    modelCalls: 0,
    startedMs: 0,
    firstMs: null,
    lastMs: 0,
    spokenMs: 0,
    usage: null,
    costUsd: null,
    durationMs: null,
  };
}

function spokenMs({ firstMs, lastMs }: Tally): number {
  return firstMs === null ? 0 : lastMs - firstMs;
}

function figuresOf(tally: Tally): AgentFigures {
  const { agent, attempts, modelCalls, startedMs, firstMs, usage, costUsd, durationMs } = tally;
  const speakingMs = tally.spokenMs + spokenMs(tally);
  const tokens = tokensOf(usage);
  return {
    agent,
    ...tokens,
    costUsd,
    firstTokenMs: firstMs === null ? null : firstMs - startedMs,
    durationMs,
    attempts: attempts === 0 ? null : attempts,
    modelCalls: attempts === 0 ? null : modelCalls,
    tokensPerS: rateOf(tokens, speakingMs),
  };
}

type Tokens = Pick<Figures, 'inputTokens' | 'outputTokens' | 'cacheReadTokens' | 'cacheWriteTokens' | 'uncountedCalls'>;

/** A usage of nothing at all, where no call was ever counted, is no measurement. */
function tokensOf(usage: Usage | null): Tokens {
  const isCounted = usage !== null && (usage.inputTokens > 0 || usage.outputTokens > 0);
  return {
    inputTokens: isCounted ? usage.inputTokens : null,
    outputTokens: isCounted ? usage.outputTokens : null,
    cacheReadTokens: usage?.cacheReadTokens ?? null,
    cacheWriteTokens: usage?.cacheWriteTokens ?? null,
    uncountedCalls: usage?.uncountedCalls ?? null,
  };
}

/** Tokens that nobody counted came in that time, too: then a rate of the others would be made up. */
function rateOf({ outputTokens, uncountedCalls }: Tokens, spokenMs: number): number | null {
  const isMeasured = outputTokens !== null && outputTokens > 0 && (uncountedCalls ?? 0) === 0 && spokenMs > 0;
  return isMeasured ? (1_000 * outputTokens) / spokenMs : null;
}

function totalOf(
  last: MagiEvent | undefined,
  lastMs: number | null,
  agents: readonly AgentFigures[],
  { firstTokenMs, spokenMs }: { readonly firstTokenMs: number | null; readonly spokenMs: number },
): Figures {
  const complete = last?.type === 'complete' ? last : null;
  const isOver = complete !== null || last?.type === 'cancelled' || last?.type === 'error';
  const tokens = isOver && complete === null ? sumOf(agents) : tokensOf(complete?.usage ?? null);
  return {
    ...tokens,
    costUsd: complete?.costUsd ?? null,
    firstTokenMs,
    durationMs: complete?.executionTime ?? (isOver ? lastMs : null),
    attempts: sum(agents.map(({ attempts }) => attempts)),
    modelCalls: sum(agents.map(({ modelCalls }) => modelCalls)),
    tokensPerS: rateOf(tokens, spokenMs),
  };
}

/** What was counted before a deliberation was stopped or failed. */
function sumOf(agents: readonly AgentFigures[]): Tokens {
  return {
    inputTokens: sum(agents.map(({ inputTokens }) => inputTokens)),
    outputTokens: sum(agents.map(({ outputTokens }) => outputTokens)),
    cacheReadTokens: sum(agents.map(({ cacheReadTokens }) => cacheReadTokens)),
    cacheWriteTokens: sum(agents.map(({ cacheWriteTokens }) => cacheWriteTokens)),
    uncountedCalls: sum(agents.map(({ uncountedCalls }) => uncountedCalls)),
  };
}

/** The sum of what was measured; null where nothing was. */
function sum(values: readonly (number | null)[]): number | null {
  const measured = values.filter((value) => value !== null);
  return measured.length === 0 ? null : measured.reduce((total, value) => total + value, 0);
}
