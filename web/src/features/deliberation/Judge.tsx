import { useId, type CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import type { AgentCard } from '@/protocol/types';
import { agentLook } from '@/ui/agents';
import { classes } from '@/ui/classes';
import { Panel } from '@/ui/Failure';
import type { LogClock } from './clock';
import { Conclusion } from './Conclusion';
import { useContact } from './contact';
import { Converge } from './Converge';
import styles from './Judge.module.css';
import laneStyles from './Lane.module.css';
import { LaneBody } from './LaneBody';
import { LaneHead } from './LaneHead';
import { useLaneFacts } from './laneFacts';
import { knownPhase, phaseOf, textPhase } from './laneWords';

interface JudgeProps {
  readonly source: LiveDeliberation;
  /** The deliberation itself, where `source` is its replay. */
  readonly live: LiveDeliberation;
  readonly clock: LogClock;
  readonly sages: readonly AgentCard[];
  /** Absent in a council whose votes alone decide. */
  readonly judge: AgentCard | undefined;
  readonly isChat: boolean;
}

/** Where the lanes come together: what the judge says, what limits the outcome, and the outcome. */
export function Judge({ source, live, clock, sages, judge, isChat }: JudgeProps) {
  const id = useId();
  const { t } = useTranslation('deliberation');
  const look = agentLook(judge?.agentId ?? '', 'judge', 0);
  return (
    <section
      className={styles['judge']}
      aria-labelledby={id}
      data-agent={judge?.agentId}
      style={{ '--agent': look.colour } as CSSProperties}
    >
      {!isChat && <Converge source={source} sages={sages} />}
      <div className={classes(styles['panel'], isChat && styles['chat'])}>
        {judge === undefined ? (
          <>
            <h2 id={id} className={styles['title']}>
              {t('judge.outcome')}
            </h2>
            <p className={styles['none']}>{t('judge.none')}</p>
          </>
        ) : (
          <Panel>
            <Speech id={id} source={source} clock={clock} judge={judge} isChat={isChat} />
          </Panel>
        )}
        <Panel>
          <Conclusion source={source} live={live} />
        </Panel>
      </div>
    </section>
  );
}

interface SpeechProps {
  readonly id: string;
  readonly source: LiveDeliberation;
  readonly clock: LogClock;
  readonly judge: AgentCard;
  readonly isChat: boolean;
}

function Speech({ id, source, clock, judge, isChat }: SpeechProps) {
  const facts = useLaneFacts(source, judge.agentId);
  const isOver = useSelected(source, ({ state }) => state.status !== 'running' && state.status !== 'empty');
  const look = agentLook(judge.agentId, 'judge', 0);
  const contact = useContact(source);
  const phase = phaseOf(facts, 'judge', isChat, isOver);
  return (
    <div className={laneStyles['speech']}>
      <LaneHead {...{ id, source, clock, look, facts }} phase={knownPhase(phase, contact)} card={judge} level={2} />
      {facts.attempt > 0 && (
        <LaneBody
          {...{ source, facts }}
          phase={textPhase(phase, contact)}
          agentId={judge.agentId}
          name={judge.name}
          level={2}
        />
      )}
    </div>
  );
}
