import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { beginning } from '@/ui/beginning';
import { Button, buttonClass } from '@/ui/Button';
import { FailureNotice } from '@/ui/Failure';
import { useFormats } from '@/ui/format';
import { paths } from '@/ui/paths';
import { isChat } from './alignment';
import { Letter } from './Parts';
import { Picker } from './Picker';
import styles from './SideCard.module.css';
import type { Side, SideName } from './sides';

interface SideCardProps {
  readonly name: SideName;
  readonly side: Side;
  /** The deliberation of the other side, which is not offered here. */
  readonly otherId: string | null;
  /** Null: something else is to be chosen. */
  readonly onChoose: (id: string | null) => void;
}

const QUESTION_CHARS = 240;

/** What stands on one side: the question and how it was asked, or the way to choose it. */
export function SideCard({ name, side, otherId, onChoose }: SideCardProps) {
  const { t } = useTranslation(['compare', 'common']);
  const letter = name.toUpperCase();
  const question = side.kind === 'shown' ? side.state.start?.question : undefined;
  return (
    <section className={styles['card']} aria-label={t('side', { letter })} aria-busy={side.kind === 'loading'}>
      <div className={styles['head']}>
        <Letter side={name} />
        <h2 className={styles['question']}>
          {side.kind === 'unchosen' && t('picker.title')}
          {side.kind === 'loading' && t('common:loading')}
          {side.kind === 'failed' && t('notShown')}
          {side.kind === 'shown' && beginning(question ?? side.id, QUESTION_CHARS)}
        </h2>
      </div>
      {side.kind === 'unchosen' && <Picker letter={letter} without={otherId} onChoose={onChoose} />}
      {side.kind === 'failed' && <FailureNotice error={side.error} onRetry={side.retry} />}
      {side.kind === 'shown' && <Setup side={side} />}
      {side.kind !== 'unchosen' && (
        <div className={styles['actions']}>
          {side.kind === 'shown' && (
            <Link
              href={paths.deliberation(side.id)}
              className={buttonClass('plain', true)}
              aria-label={t('openSide', { letter })}
            >
              {t('open')}
            </Link>
          )}
          <Button kind="quiet" small aria-label={t('otherSide', { letter })} onClick={() => onChoose(null)}>
            {t('other')}
          </Button>
        </div>
      )}
    </section>
  );
}

function Setup({ side }: { readonly side: Extract<Side, { kind: 'shown' }> }) {
  const { t } = useTranslation(['compare', 'common']);
  const formats = useFormats();
  const { start } = side.state;
  if (start == null) return null;
  const models = new Set(start.council.agents.map(({ model }) => model));
  return (
    <dl className={styles['setup']}>
      <dt>{t('setup.when')}</dt>
      <dd>
        <time dateTime={start.timestamp}>{formats.moment(start.timestamp)}</time>
      </dd>
      <dt>{t('setup.mode')}</dt>
      <dd>{t(`mode.${start.mode}`)}</dd>
      <dt>{t('setup.council')}</dt>
      <dd>{start.council.id}</dd>
      {!isChat(side.state) && (
        <>
          <dt>{t('setup.rule')}</dt>
          <dd>{t(`common:rule.${start.council.rule}`)}</dd>
        </>
      )}
      <dt>{t('setup.models')}</dt>
      <dd>
        {[...models].map((model) => (
          <code key={model} className={styles['model']}>
            {model}
          </code>
        ))}
      </dd>
    </dl>
  );
}
