import { useTranslation } from 'react-i18next';
import type { Tally as Counts } from '@/protocol/types';
import { Icon, type IconName } from '@/ui/Icon';
import styles from './Judge.module.css';

const MARKS: readonly (readonly ['approved' | 'rejected' | 'abstained' | 'failed', IconName])[] = [
  ['approved', 'approve'],
  ['rejected', 'reject'],
  ['abstained', 'abstain'],
  ['failed', 'warning'],
];

/** How the votes fell: one mark a vote, and the counts in words. */
export function Tally({ tally }: { readonly tally: Counts }) {
  const { t } = useTranslation('deliberation');
  return (
    <section>
      <h4 className={styles['label']}>{t('tally.title')}</h4>
      <ul className={styles['tally']}>
        {MARKS.filter(([key]) => tally[key] > 0).map(([key, icon]) => (
          <li key={key} data-vote={key}>
            <span className={styles['votes']}>
              {Array.from({ length: Math.min(tally[key], 9) }, (_, place) => (
                <Icon key={place} name={icon} />
              ))}
            </span>
            {t(`tally.${key}`, { n: tally[key] })}
          </li>
        ))}
      </ul>
    </section>
  );
}
