/** What a lane is doing, in words. */
import type { Role } from '@/protocol/types';
import type { Contact } from './contact';
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
  | 'unknown'
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

/** The phase as far as it is known: what may have gone on unseen is not. */
export function knownPhase(phase: Phase, contact: Contact): Phase {
  const mayChange = isSpeaking(phase) || phase === 'waiting' || phase === 'waitingForSages';
  return mayChange && contact !== 'kept' ? 'unknown' : phase;
}

/** The phase as its text stands in it: a text whose way is lost waits for more, and keeps its reader's place. */
export function textPhase(phase: Phase, contact: Contact): Phase {
  return contact === 'refused' ? knownPhase(phase, contact) : phase;
}

/** Whether words may still come. */
export function isSpeaking(phase: Phase): boolean {
  return phase === 'called' || phase === 'thinking' || phase === 'writing';
}
