/** What the replay says of its moments, in the language of the page. */
import type { TFunction } from 'i18next';
import type { Moment } from '@/live/replayMoments';
import type { AgentCard, Decision, MagiEvent } from '@/protocol/types';

type Words = TFunction<['trace', 'common']>;

/** Milliseconds as a clock shows them: "0:12", "12:03"; with tenths where the whole is short. */
export function clockTime(ms: number, durationMs: number): string {
  const isShort = durationMs < 20_000;
  // Rounded down, as a clock is: a moment is not shown before it has come.
  const tenths = Math.floor(Math.max(0, ms) / 100);
  const seconds = Math.floor(tenths / 10);
  const rest = String(seconds % 60).padStart(2, '0');
  return `${Math.floor(seconds / 60)}:${rest}${isShort ? `.${tenths % 10}` : ''}`;
}

/** What happened at a moment: "CASPAR votes: Approved". */
export function momentWords(t: Words, moment: Moment, agents: readonly AgentCard[]): string {
  const { event } = moment;
  const name = nameOf(moment.agentId, agents);
  if (event.type === 'vote' || event.type === 'verdict') {
    return t(`trace:replay.moment.${event.type}`, { name, decision: decisionWord(t, event.decision) });
  }
  if (event.type === 'agent_start')
    return t(`trace:replay.moment.${momentKey(event.attempt)}`, { name, n: event.attempt });
  if (event.type === 'agent_complete') {
    return t(moment.kind === 'failure' ? 'trace:replay.moment.failure' : 'trace:replay.moment.abstention', { name });
  }
  if (event.type === 'complete' || event.type === 'cancelled' || event.type === 'error') {
    return t(`trace:replay.moment.${event.type}`);
  }
  return t('trace:replay.moment.recovery');
}

/** What is going on when `event` is the last that has happened: "CASPAR writes". */
export function doingWords(t: Words, event: MagiEvent | undefined, agents: readonly AgentCard[]): string {
  if (event === undefined) return '';
  const name = nameOf('agentId' in event ? (event.agentId ?? null) : null, agents);
  switch (event.type) {
    case 'start':
    case 'chunk':
    case 'thinking':
    case 'agent_start':
    case 'agent_complete':
      return t(`trace:replay.doing.${event.type}`, { name });
    case 'vote':
    case 'verdict':
      return t(`trace:replay.moment.${event.type}`, { name, decision: decisionWord(t, event.decision) });
    case 'complete':
    case 'cancelled':
    case 'error':
      return t(`trace:replay.moment.${event.type}`);
    default:
      return t('trace:replay.doing.other');
  }
}

function momentKey(attempt: number): 'start' | 'again' {
  return attempt > 1 ? 'again' : 'start';
}

function decisionWord(t: Words, decision: Decision): string {
  return t(`common:decision.${decision}`);
}

function nameOf(agentId: string | null, agents: readonly AgentCard[]): string {
  return agents.find((agent) => agent.agentId === agentId)?.name ?? agentId ?? '';
}
