/** What a screen reader is told as it happens: votes, failures, the verdict and the end; never the words as they come. */
import type { TFunction } from 'i18next';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import type { LiveDeliberation } from '@/live/live';
import { Replay } from '@/live/replay';
import type { DeliberationState, LaneState } from '@/protocol/types';
import { useAnnounce } from '@/ui/Announcer';
import { causeAlone } from '@/ui/causes';

type Words = TFunction<['deliberation', 'common']>;

/** Sentences for what `after` has that `before` had not. What was there when the page came is read where it stands. */
export function announcements(before: DeliberationState, after: DeliberationState, t: Words): readonly string[] {
  if (before === after || before.status === 'empty') return [];
  const names = new Map(after.start?.council.agents.map(({ agentId, name }) => [agentId, name]));
  const said = after.lanes.flatMap((lane) => {
    const earlier = before.lanes.find(({ agentId }) => agentId === lane.agentId);
    return earlier === lane ? [] : laneWords(earlier, lane, names.get(lane.agentId) ?? lane.agentId, t);
  });
  const { verdict } = after;
  if (verdict != null && before.verdict == null) {
    const decision = t(`common:decision.${verdict.decision}`);
    said.push(t('announce.verdict', { name: names.get(verdict.agentId) ?? verdict.agentId, decision }));
  }
  return before.status === 'running' ? [...said, ...endWords(after, t)] : said;
}

function laneWords(before: LaneState | undefined, { decision, status, cause }: LaneState, name: string, t: Words) {
  const said: string[] = [];
  if (decision != null && before?.decision == null) {
    said.push(t('announce.vote', { name, decision: t(`common:decision.${decision}`) }));
  }
  const isNew = status != null && before?.status == null;
  if (isNew && cause != null && (status === 'failed' || status === 'abstained')) {
    said.push(t(`announce.${status}`, { name, cause: causeAlone(t, cause) }));
  }
  return said;
}

function endWords({ complete, cancelled, error }: DeliberationState, t: Words): readonly string[] {
  if (cancelled != null) return [t('announce.cancelled')];
  if (error != null) return [t('announce.error', { cause: causeAlone(t, error.error) })];
  if (complete == null) return [];
  if (complete.outcome === 'answered') return [t('announce.answered')];
  if (complete.decision == null) return [t('announce.inconclusive')];
  const decision = t(`common:decision.${complete.decision}`);
  return [t(complete.outcome === 'decided_degraded' ? 'announce.degraded' : 'announce.decided', { decision })];
}

/** Announces what happens in `source`; a replay tells of its moments itself. */
export function useAnnouncements(source: LiveDeliberation): void {
  const { t } = useTranslation(['deliberation', 'common']);
  const announce = useAnnounce();
  useEffect(() => {
    if (source instanceof Replay) return undefined;
    let before = source.snapshot().state;
    return source.subscribe(() => {
      const after = source.snapshot().state;
      for (const sentence of announcements(before, after, t)) announce(sentence);
      before = after;
    });
  }, [source, announce, t]);
}
