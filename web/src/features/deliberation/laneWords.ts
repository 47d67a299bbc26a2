/** What a lane is doing, in words. */
import type { Role } from '@/protocol/types';
import type { LaneFacts } from './laneFacts';

export type Phase =
  | 'waiting'
  | 'waitingForSages'
  | 'called'
  | 'thinking'
  | 'writing'
  | 'voted'
  | 'ruled'
  | 'answered'
  | 'abstained'
  | 'failed'
  | 'cancelled'
  | 'unfinished'
  | 'uncalled';

/** `isOver`: the deliberation has ended, so that a lane without an end will not get one. */
export function phaseOf(facts: LaneFacts, role: Role, isChat: boolean, isOver: boolean): Phase {
  if (facts.status !== null) return facts.status;
  if (facts.decision !== null) return 'voted';
  if (isOver) return facts.attempt === 0 ? 'uncalled' : 'unfinished';
  if (facts.attempt === 0) return role === 'judge' && !isChat ? 'waitingForSages' : 'waiting';
  if (facts.hasText) return 'writing';
  return facts.hasThinking ? 'thinking' : 'called';
}

/** Whether words may still come. */
export function isSpeaking(phase: Phase): boolean {
  return phase === 'called' || phase === 'thinking' || phase === 'writing';
}
