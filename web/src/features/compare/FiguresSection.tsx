import { useTranslation } from 'react-i18next';
import type { Complete, DeliberationState } from '@/protocol/types';
import { isChat } from './alignment';
import { FiguresTable, type Figure } from './FiguresTable';
import type { SectionProps } from './OutcomeSection';
import { Section } from './Parts';
import styles from './Sections.module.css';

type Read = (complete: Complete) => number | null | undefined;

const TALLY = ['approved', 'rejected', 'abstained', 'failed'] as const;
const TOKENS = ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens', 'uncountedCalls'] as const;

/** Tally, time, tokens and cost, as the ends of the logs give them. */
export function FiguresSection({ a, b }: SectionProps) {
  const { t } = useTranslation('compare');
  const [left, right] = [a?.complete, b?.complete];
  if (left == null && right == null) return null;
  const figure = (key: string, label: string, read: Read, unit: Figure['unit']): Figure => ({
    key,
    label,
    a: left == null ? null : read(left),
    b: right == null ? null : read(right),
    unit,
  });
  // A chat's end holds a tally of zeros, though nobody was to vote.
  const votersOf = (state: DeliberationState | null) => (state === null || isChat(state) ? null : state.complete);
  const [votedLeft, votedRight] = [votersOf(a), votersOf(b)];
  const votes = TALLY.map<Figure>((key) => ({
    key,
    label: t(`figure.${key}`),
    a: votedLeft?.tally[key],
    b: votedRight?.tally[key],
    unit: 'count',
  }));
  const effort = [
    figure('time', t('figure.time'), ({ executionTime }) => executionTime, 'duration'),
    ...TOKENS.map((key) => figure(key, t(`figure.${key}`), ({ usage }) => usage[key], 'count')),
    figure('cost', t('figure.cost'), ({ costUsd }) => costUsd, 'cost'),
  ];
  // What neither side reports is no row, but for the cost: that it is unknown is worth saying.
  const shown = effort.filter(({ key, a: from, b: to }) => key === 'cost' || from != null || to != null);
  const isTwoSided = left != null && right != null;
  return (
    <Section title={t('section.figures')}>
      <div className={styles['tables']}>
        {(votedLeft != null || votedRight != null) && (
          <FiguresTable
            caption={t('figure.tally')}
            figures={votes}
            isTwoSided={votedLeft != null && votedRight != null}
            absence="noVotes"
          />
        )}
        <FiguresTable caption={t('figure.effort')} figures={shown} isTwoSided={isTwoSided} />
      </div>
    </Section>
  );
}
