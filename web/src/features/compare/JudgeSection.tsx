import { useTranslation } from 'react-i18next';
import type { DeliberationState } from '@/protocol/types';
import { DecisionMark } from '@/ui/Decision';
import { alignedSages, difference, isChat, judgeOf, type Seat } from './alignment';
import { FiguresTable, type Figure } from './FiguresTable';
import { Confidence, type SectionProps } from './OutcomeSection';
import { Beside, DifferenceLine, Foldable, Section } from './Parts';
import styles from './Sections.module.css';
import { AgentName, NoVote, Statement } from './VotesSection';

/** The judge's ruling on both sides, and its marks for each sage. */
export function JudgeSection({ a, b }: SectionProps) {
  const { t } = useTranslation(['compare', 'common']);
  const left = a && judgeOf(a);
  const right = b && judgeOf(b);
  if (left === null && right === null) return null;
  const shown = [a, b].filter((state) => state !== null);
  const areChats = shown.every(isChat);
  return (
    <Section title={t('section.judge')}>
      {a?.verdict != null && b?.verdict != null && (
        <DifferenceLine
          difference={difference(a.verdict.decision, b.verdict.decision)}
          words={(decision) => t(`common:decision.${decision}`)}
        />
      )}
      <Beside a={a && <Ruling state={a} judge={left} />} b={b && <Ruling state={b} judge={right} />} />
      <Scores a={a} b={b} />
      <Foldable label={t(areChats ? 'judge.answer' : 'judge.text')} startsOpen={shown.some(isChat)}>
        <Beside a={left && <Statement text={left.lane?.text} />} b={right && <Statement text={right.lane?.text} />} />
      </Foldable>
    </Section>
  );
}

function Ruling({ state, judge }: { readonly state: DeliberationState; readonly judge: Seat | null }) {
  const { t } = useTranslation('compare');
  const { verdict } = state;
  if (judge === null) return <p className={styles['nothing']}>{t('judge.none')}</p>;
  return (
    <>
      <AgentName agentId={judge.agentId} name={judge.name} role="judge" index={0} />
      <div className={styles['marks']}>
        {verdict == null ? <NoVote lane={judge.lane} /> : <DecisionMark decision={verdict.decision} />}
      </div>
      <Confidence value={verdict?.confidence} />
      {verdict != null && (
        <>
          <p className={styles['summary']}>{verdict.summary}</p>
          <Labelled label={t('judge.recommendation')} text={verdict.recommendation} />
          <Labelled label={t('judge.reasoning')} text={verdict.reasoning} />
        </>
      )}
      {judge.card !== null && <code className={styles['model']}>{judge.card.model}</code>}
    </>
  );
}

function Labelled({ label, text }: { readonly label: string; readonly text: string }) {
  if (text === '') return null;
  return (
    <div>
      <p className={styles['label']}>{label}</p>
      <p className={styles['reasoning']}>{text}</p>
    </div>
  );
}

function Scores({ a, b }: SectionProps) {
  const { t } = useTranslation('compare');
  const figures = alignedSages(a, b)
    .filter((row) => row.a?.score != null || row.b?.score != null)
    .map<Figure>((row) => ({
      key: row.agentId,
      label: (row.a ?? row.b)?.name ?? row.agentId,
      a: row.a?.score?.score,
      b: row.b?.score?.score,
      unit: 'count',
    }));
  if (figures.length === 0) return null;
  return (
    <FiguresTable caption={t('judge.scores')} figures={figures} isTwoSided={a?.verdict != null && b?.verdict != null} />
  );
}
