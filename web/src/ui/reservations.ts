/** What limits the worth of an outcome. It is said before the outcome, on the page and in what is exported. */
import type { TFunction } from 'i18next';
import type { Complete, DeliberationState } from '@/protocol/types';
import { causeWords, noteWords } from './causes';

type Words = TFunction<['deliberation', 'common']>;

interface Absence {
  readonly agentId: string;
  readonly name: string;
  readonly cause: string;
}

export type Reservation =
  | { readonly kind: 'inconclusive'; readonly because: 'quorum' | 'judgeAbstained' | 'split' | 'tie'; readonly valid: number; readonly expected: number } // prettier-ignore
  | { readonly kind: 'degraded'; readonly valid: number; readonly expected: number }
  | { readonly kind: 'noJudge' }
  | { readonly kind: 'overturned' }
  | { readonly kind: 'missing'; readonly absences: readonly Absence[] };

/** The gravest first; nothing where nothing limits it, or where it has not come about. */
export function reservationsOf(state: DeliberationState): readonly Reservation[] {
  const { complete } = state;
  if (complete == null || complete.outcome === 'answered') return [];
  const { votersValid: valid, votersExpected: expected, judge, rule, overturned, missing } = complete.authority;
  const found: Reservation[] = [];
  if (complete.outcome === 'inconclusive') found.push({ kind: 'inconclusive', because: whyOpen(state, complete), valid, expected }); // prettier-ignore
  if (complete.outcome === 'decided_degraded') {
    if (valid < expected || judge === 'primary' || rule !== 'judge') found.push({ kind: 'degraded', valid, expected });
    if (rule === 'judge' && judge !== 'primary') found.push({ kind: 'noJudge' });
  }
  if (overturned) found.push({ kind: 'overturned' });
  if (missing.length > 0) found.push({ kind: 'missing', absences: absences(state, complete) });
  return found;
}

function absences(state: DeliberationState, { authority }: Complete): readonly Absence[] {
  const names = new Map(state.start?.council.agents.map(({ agentId, name }) => [agentId, name]));
  return authority.missing.map(({ agentId, cause }) => ({ agentId, cause, name: names.get(agentId) ?? agentId }));
}

/** By the rules of the server's council/outcome.py. */
function whyOpen({ verdict }: DeliberationState, { authority, tally }: Complete) {
  if (2 * authority.votersValid <= authority.votersExpected) return 'quorum';
  if (authority.rule === 'judge' && verdict?.decision === 'ABSTAINED') return 'judgeAbstained';
  if (authority.rule === 'unanimous' && tally.approved > 0 && tally.rejected > 0) return 'split';
  return 'tie';
}

/** A reservation as sentences; of `missing` one for each who is missing. */
export function reservationWords(t: Words, reservation: Reservation): readonly string[] {
  switch (reservation.kind) {
    case 'inconclusive': {
      const { because, valid, expected } = reservation;
      const why = because === 'quorum' && valid === 0 ? 'nobody' : because;
      return [t('limits.inconclusive'), t(`limits.because.${why}`, { valid, expected })];
    }
    case 'degraded': {
      const { valid, expected } = reservation;
      return [valid < expected ? t('limits.degraded', { valid, expected }) : t('limits.degradedOther')];
    }
    case 'missing':
      return reservation.absences.map(({ name, cause }) => `${name}: ${causeWords(t, cause)}`);
    case 'noJudge':
      return [t('limits.noJudge')];
    case 'overturned':
      return [t('limits.overturned')];
  }
}

/** What must be said of the models: one sentence a note, with the names that it is about. */
export function noteSentences(t: Words, state: DeliberationState): readonly string[] {
  const names = new Map<string, string[]>();
  for (const { name, note } of state.start?.council.agents ?? []) {
    if (note != null && note !== '') names.set(note, [...(names.get(note) ?? []), name]);
  }
  return [...names].map(([note, of]) => t('limits.note', { names: of.join(', '), note: noteWords(t, note) }));
}
