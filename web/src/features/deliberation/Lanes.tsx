import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { LiveDeliberation } from '@/live/live';
import type { AgentCard } from '@/protocol/types';
import { Panel } from '@/ui/Failure';
import type { LogClock } from './clock';
import { Lane } from './Lane';
import styles from './Lanes.module.css';
import { LaneSwitcher } from './LaneSwitcher';
import { useIsNarrow } from './useIsNarrow';

interface LanesProps {
  readonly source: LiveDeliberation;
  readonly clock: LogClock;
  readonly sages: readonly AgentCard[];
}

/** The sages side by side; on a phone one at a time, under tabs that show how the others stand. */
export function Lanes({ source, clock, sages }: LanesProps) {
  const { t } = useTranslation('deliberation');
  const id = useId();
  const [chosen, setChosen] = useState(0);
  const isTabbed = useIsNarrow() && sages.length > 1;
  return (
    <section className={styles['lanes']} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`} className="visually-hidden">
        {t('lanes.title')}
      </h2>
      {isTabbed && <LaneSwitcher id={id} source={source} sages={sages} chosen={chosen} onChoose={setChosen} />}
      <div className={styles['grid']}>
        {sages.map((card, index) => (
          <div
            key={card.agentId}
            className={styles['place']}
            {...(isTabbed && {
              id: `${id}-panel-${index}`,
              role: 'tabpanel',
              'aria-labelledby': `${id}-tab-${index}`,
              hidden: index !== chosen,
            })}
          >
            <Panel>
              <Lane source={source} clock={clock} card={card} index={index} />
            </Panel>
          </div>
        ))}
      </div>
    </section>
  );
}
