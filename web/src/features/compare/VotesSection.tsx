import { useTranslation } from 'react-i18next';
import type { CSSProperties } from 'react';
import type { DeliberationState } from '@/protocol/types';
import { agentLook } from '@/ui/agents';
import { causeWords } from '@/ui/causes';
import { DecisionMark } from '@/ui/Decision';
import { Icon } from '@/ui/Icon';
import { Mark } from '@/ui/Mark';
import { Markdown } from '@/ui/Markdown';
import { alignedSages, difference, isChat, type Row, type Seat } from './alignment';
import { Confidence, type SectionProps } from './OutcomeSection';
import { Beside, DifferenceLine, Foldable, Section } from './Parts';
import styles from './Sections.module.css';

/** Every sage of either side in a row of its own. */
export function VotesSection({ a, b }: SectionProps) {
  const { t } = useTranslation('compare');
  const rows = alignedSages(a, b);
  if (rows.length === 0) return null;
  return (
    <Section title={t('section.votes')}>
      {rows.map((row, index) => (
        <SageRow key={row.agentId} row={row} index={index} kindA={kindOf(a)} kindB={kindOf(b)} />
      ))}
    </Section>
  );
}

/** What the lack of a sage means on a side: nothing where the side cannot be shown. */
type SideKind = 'unknown' | 'council' | 'chat';

function kindOf(state: DeliberationState | null): SideKind {
  if (state === null) return 'unknown';
  return isChat(state) ? 'chat' : 'council';
}

interface SageRowProps {
  readonly row: Row;
  readonly index: number;
  readonly kindA: SideKind;
  readonly kindB: SideKind;
}

function SageRow({ row: { agentId, a, b }, index, kindA, kindB }: SageRowProps) {
  const { t } = useTranslation(['compare', 'common']);
  const name = (a ?? b)?.name ?? agentId;
  const areCouncils = kindA === 'council' && kindB === 'council';
  const hasText = [a, b].some((seat) => seat?.lane != null && seat.lane.text !== '');
  return (
    <div className={styles['agent']}>
      <div className={styles['agentHead']}>
        <AgentName agentId={agentId} name={name} role="sage" index={index} />
        {a !== null && b !== null && isComparable(a, b) && (
          <DifferenceLine
            difference={difference(a.lane?.decision, b.lane?.decision)}
            words={(decision) => t(`common:decision.${decision}`)}
          />
        )}
        {areCouncils && b === null && <p className={styles['only']}>{t('onlyIn', { letter: 'A' })}</p>}
        {areCouncils && a === null && <p className={styles['only']}>{t('onlyIn', { letter: 'B' })}</p>}
      </div>
      <Beside
        a={kindA === 'unknown' ? null : <Place seat={a} kind={kindA} />}
        b={kindB === 'unknown' ? null : <Place seat={b} kind={kindB} />}
      />
      {hasText && (
        <Foldable label={t('statement', { name })}>
          <Beside a={a && <Statement text={a.lane?.text} />} b={b && <Statement text={b.lane?.text} />} />
        </Foldable>
      )}
    </div>
  );
}

/** A vote that is still to come is no difference. */
function isComparable(a: Seat, b: Seat): boolean {
  const isDone = ({ lane }: Seat) => lane?.decision != null || lane?.status != null;
  return isDone(a) && isDone(b);
}

interface AgentNameProps {
  readonly agentId: string;
  readonly name: string;
  readonly role: Seat['role'];
  readonly index: number;
}

export function AgentName({ agentId, name, role, index }: AgentNameProps) {
  const { icon, colour } = agentLook(agentId, role, index);
  return (
    <h3 className={styles['agentName']} style={{ '--agent': colour } as CSSProperties}>
      <Icon name={icon} />
      {name}
    </h3>
  );
}

function Place({ seat, kind }: { readonly seat: Seat | null; readonly kind: 'council' | 'chat' }) {
  const { t } = useTranslation('compare');
  if (seat !== null) return <Vote seat={seat} />;
  return <p className={styles['nothing']}>{t(kind === 'chat' ? 'notAsked' : 'notSeated')}</p>;
}

export function Statement({ text }: { readonly text: string | undefined }) {
  const { t } = useTranslation('compare');
  if (text === undefined || text === '') return <p className={styles['nothing']}>{t('noText')}</p>;
  return <Markdown text={text} under={3} />;
}

function Vote({ seat: { card, lane } }: { readonly seat: Seat }) {
  return (
    <>
      <div className={styles['marks']}>
        {lane?.decision == null ? <NoVote lane={lane} /> : <DecisionMark decision={lane.decision} />}
      </div>
      <Confidence value={lane?.confidence} />
      {lane?.reasoning != null && lane.reasoning !== '' && <p className={styles['reasoning']}>{lane.reasoning}</p>}
      {card !== null && <code className={styles['model']}>{card.model}</code>}
    </>
  );
}

/** Why there is no vote: how the lane ended, and its cause. */
export function NoVote({ lane }: { readonly lane: Seat['lane'] }) {
  const { t } = useTranslation(['deliberation', 'common', 'compare']);
  const status = lane?.status ?? (lane === null || lane.attempt === 0 ? 'waiting' : 'speaking');
  const tone = status === 'failed' ? 'danger' : status === 'abstained' ? 'warning' : 'neutral';
  return (
    <>
      <Mark tone={tone} icon={status === 'failed' || status === 'abstained' ? 'warning' : 'clock'}>
        {t(`compare:lane.${status}`)}
      </Mark>
      {lane?.cause != null && <span className={styles['nothing']}>{causeWords(t, lane.cause)}</span>}
    </>
  );
}
