import { useTranslation } from 'react-i18next';
import type { Decision } from '@/protocol/types';
import { DecisionMark } from '@/ui/Decision';
import { useFormats } from '@/ui/format';
import { Markdown } from '@/ui/Markdown';
import { Meter } from '@/ui/Meter';
import styles from './Lane.module.css';

interface VoteCardProps {
  readonly name: string;
  readonly decision: Decision;
  readonly confidence: number | null;
  readonly reasoning: string;
}

/** A vote that has fallen. */
export function VoteCard({ name, decision, confidence, reasoning }: VoteCardProps) {
  const { t } = useTranslation(['deliberation', 'common']);
  const formats = useFormats();
  return (
    <section className={styles['vote']} aria-label={t('vote.title', { name })}>
      <div className={styles['voteHead']}>
        <span className={styles['label']}>{t('vote.label')}</span>
        <DecisionMark decision={decision} />
      </div>
      {confidence !== null && (
        <Meter value={confidence} text={formats.percent(confidence)} label={t('common:confidence')} />
      )}
      {reasoning !== '' && (
        <div className={styles['reasoning']}>
          <Markdown text={reasoning} under={3} />
        </div>
      )}
    </section>
  );
}
