import { useTranslation } from 'react-i18next';
import type { LiveDeliberation } from '@/live/live';
import type { AgentCard } from '@/protocol/types';
import type { AgentLook } from '@/ui/agents';
import { noteWords } from '@/ui/causes';
import { classes } from '@/ui/classes';
import { useFormats } from '@/ui/format';
import { Icon } from '@/ui/Icon';
import { useClocked, type LogClock } from './clock';
import styles from './Lane.module.css';
import type { LaneFacts } from './laneFacts';
import { isSpeaking, type Phase } from './laneWords';
import { paceOf } from './pace';

interface LaneHeadProps {
  readonly id: string;
  readonly source: LiveDeliberation;
  readonly clock: LogClock;
  readonly card: AgentCard;
  readonly look: AgentLook;
  readonly facts: LaneFacts;
  readonly phase: Phase;
  /** The judge stands under the page's question, a sage under the heading of the sages. */
  readonly level: 2 | 3;
}

/** Who speaks, by which model, what it is doing, for how long and how fast. */
export function LaneHead({ id, source, clock, card, look, facts, phase, level }: LaneHeadProps) {
  const { t } = useTranslation(['deliberation', 'common']);
  const Heading = level === 2 ? 'h2' : 'h3';
  const model = [card.model, ...(card.note == null ? [] : [noteWords(t, card.note)])].join(' · ');
  return (
    <header className={styles['head']}>
      <div className={styles['who']}>
        <span className={styles['form']}>
          <Icon name={look.icon} size="1.5rem" />
        </span>
        <Heading id={id} className={styles['name']}>
          {card.name}
        </Heading>
        <PhaseWords phase={phase} facts={facts} />
      </div>
      <div className={styles['small']}>
        <span className={styles['model']}>
          <span className="visually-hidden">{t('lane.model')}: </span>
          {model}
        </span>
        <span className={styles['figures']}>
          <PaceFigure source={source} clock={clock} agentId={card.agentId} />
          <ElapsedFigure source={source} clock={clock} agentId={card.agentId} durationMs={facts.durationMs} />
        </span>
      </div>
    </header>
  );
}

function PhaseWords({ phase, facts }: { readonly phase: Phase; readonly facts: LaneFacts }) {
  const { t } = useTranslation('deliberation');
  return (
    <span className={styles['phase']} data-phase={phase}>
      {facts.status === null && (
        <span className={classes(styles['dot'], isSpeaking(phase) && styles['speaking'])} aria-hidden="true" />
      )}
      {t(`lane.phase.${phase}`)}
      {facts.attempt > 1 && ` · ${t('lane.attempt', { n: facts.attempt })}`}
    </span>
  );
}

interface FigureProps {
  readonly source: LiveDeliberation;
  readonly clock: LogClock;
  readonly agentId: string;
}

function ElapsedFigure({ source, clock, agentId, durationMs }: FigureProps & { readonly durationMs: number | null }) {
  const { t } = useTranslation('deliberation');
  const formats = useFormats();
  const runningMs = useClocked(clock, (nowMs) => {
    const { state, times } = source.snapshot();
    const time = times[agentId];
    if (time === undefined) return null;
    const untilMs = time.endedAt ?? (state.status === 'running' ? nowMs : null);
    return untilMs === null ? null : Math.floor(Math.max(0, untilMs - time.startedAt) / 100) * 100;
  });
  const ms = durationMs ?? runningMs;
  if (ms === null) return null;
  return (
    <span title={t('lane.elapsed')}>
      <span className="visually-hidden">{t('lane.elapsed')}: </span>
      {formats.duration(ms)}
    </span>
  );
}

function PaceFigure({ source, clock, agentId }: FigureProps) {
  const { t } = useTranslation('deliberation');
  const formats = useFormats();
  // As one number, so that it is the same while nothing changed: what is estimated is below zero.
  const signed = useClocked(clock, (nowMs) => {
    const pace = paceOf(source.snapshot(), agentId, nowMs);
    return pace === null ? null : pace.tokensPerS * (pace.isEstimated ? -1 : 1);
  });
  if (signed === null) return null;
  const n = formats.count(Math.abs(signed));
  const [words, title] = signed < 0 ? (['paceEstimated', 'paceEstimatedTitle'] as const) : (['pace', 'paceTitle'] as const); // prettier-ignore
  return <span title={t(`lane.${title}`)}>{t(`lane.${words}`, { n })}</span>;
}
