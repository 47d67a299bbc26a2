import type { CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import type { DeliberationState, Score } from '@/protocol/types';
import { agentLook } from '@/ui/agents';
import { Icon } from '@/ui/Icon';
import { Markdown } from '@/ui/Markdown';
import { Meter } from '@/ui/Meter';
import styles from './Judge.module.css';

interface ScoresProps {
  readonly scores: readonly Score[];
  readonly state: DeliberationState;
}

/** The judge's marks for the sages' cases, from 0 to 100. */
export function Scores({ scores, state }: ScoresProps) {
  const { t } = useTranslation('deliberation');
  const agents = state.start?.council.agents ?? [];
  return (
    <section>
      <h4 className={styles['label']}>{t('verdict.scores')}</h4>
      <ul className={styles['scores']}>
        {scores.map(({ agentId, score, reasoning }) => {
          const place = agents.findIndex((card) => card.agentId === agentId);
          const name = agents[place]?.name ?? agentId;
          const look = agentLook(agentId, 'sage', Math.max(0, place));
          return (
            <li key={agentId} style={{ '--agent': look.colour } as CSSProperties}>
              <span className={styles['scoreName']}>
                <Icon name={look.icon} />
                {name}
              </span>
              <Meter value={score / 100} text={String(score)} label={t('verdict.score', { name })} />
              <div className={styles['why']}>
                <Markdown text={reasoning} under={4} />
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
