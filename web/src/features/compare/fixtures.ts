/** What the tests of this folder have in common. */
import type { AgentCard, DeliberationState, LaneState, Start } from '@/protocol/types';

export function cardOf(agentId: string, part: Partial<AgentCard> = {}): AgentCard {
  return { agentId, name: agentId.toUpperCase(), role: 'sage', model: 'embedded', ...part };
}

export function laneOf(agentId: string, part: Partial<LaneState> = {}): LaneState {
  return { agentId, text: '', thinking: '', attempt: 1, ...part };
}

export const SOLOMON = cardOf('solomon', { role: 'judge' });

export function startOf(agents: readonly AgentCard[], part: Partial<Start> = {}): Start {
  return {
    type: 'start',
    seq: 1,
    timestamp: '2026-03-14T10:00:00.000Z',
    deliberationId: 'd',
    sessionId: 's',
    question: 'Why?',
    mode: 'deliberate',
    council: { id: 'magi', rule: 'judge', agents },
    ...part,
  };
}

export function stateOf(start: Start | null, part: Partial<DeliberationState> = {}): DeliberationState {
  return {
    status: 'running',
    cursor: 1,
    lanes: start?.council.agents.map(({ agentId }) => laneOf(agentId, { attempt: 0 })) ?? [],
    ...(start !== null && { start }),
    ...part,
  };
}
