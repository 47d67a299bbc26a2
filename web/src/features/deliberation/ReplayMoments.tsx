import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Moment } from '@/live/replayMoments';
import type { AgentCard } from '@/protocol/types';
import { agentLook } from '@/ui/agents';
import { Icon } from '@/ui/Icon';
import styles from './ReplayBar.module.css';
import { clockTime, momentWords } from './replayWords';

interface ReplayMomentsProps {
  readonly moments: readonly Moment[];
  readonly agents: readonly AgentCard[];
  readonly durationMs: number;
  /** The last moment that has happened. */
  readonly currentSeq: number | null;
  readonly onSeek: (seq: number) => void;
}

/** The moments in words, each a way to go there. */
export const ReplayMoments = memo(function ReplayMoments(props: ReplayMomentsProps) {
  const { moments, agents, durationMs, currentSeq, onSeek } = props;
  const { t } = useTranslation(['trace', 'common']);
  return (
    <details className={styles['moments']}>
      <summary className={styles['summary']}>{t('trace:replay.moments', { n: moments.length })}</summary>
      <ol className={styles['list']}>
        {moments.map((moment) => (
          <li key={moment.seq}>
            <button
              type="button"
              className={styles['moment']}
              aria-current={moment.seq === currentSeq ? 'step' : undefined}
              onClick={() => onSeek(moment.seq)}
            >
              <span className={styles['time']}>{clockTime(moment.atMs, durationMs)}</span>
              <MomentMark moment={moment} agents={agents} />
              {momentWords(t, moment, agents)}
            </button>
          </li>
        ))}
      </ol>
    </details>
  );
});

function MomentMark({ moment, agents }: { readonly moment: Moment; readonly agents: readonly AgentCard[] }) {
  const index = agents.findIndex(({ agentId }) => agentId === moment.agentId);
  const agent = agents[index];
  if (agent === undefined) return <Icon name={moment.kind === 'end' ? 'end' : 'info'} size="0.875rem" />;
  const { icon, colour } = agentLook(agent.agentId, agent.role, index);
  return (
    <span className={styles['form']} style={{ color: colour }}>
      <Icon name={icon} size="0.875rem" />
    </span>
  );
}
