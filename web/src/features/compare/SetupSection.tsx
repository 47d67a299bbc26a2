import { useTranslation } from 'react-i18next';
import type { DeliberationState } from '@/protocol/types';
import { localeOf } from '@/ui/format';
import { ChangeLine, Section } from './Parts';
import styles from './Sections.module.css';
import { setupDifferences } from './setup';

interface SetupSectionProps {
  readonly a: DeliberationState;
  readonly b: DeliberationState;
}

/** What of the conditions differs. */
export function SetupSection({ a, b }: SetupSectionProps) {
  const { t, i18n } = useTranslation(['compare', 'common']);
  const differences = setupDifferences(a, b);
  if (differences === null) return null;
  const { same, mode, council, rule, models } = differences;
  const listed = (words: readonly string[]) => new Intl.ListFormat(localeOf(i18n.language)).format(words);
  return (
    <Section title={t('section.setup')}>
      <div>
        {!same.includes('question') && <p className={styles['only']}>{t('setup.questions')}</p>}
        {mode && <ChangeLine of={t('setup.mode')} from={t(`mode.${mode.from}`)} to={t(`mode.${mode.to}`)} />}
        {council && <ChangeLine of={t('setup.council')} {...council} />}
        {rule && (
          <ChangeLine of={t('setup.rule')} from={t(`common:rule.${rule.from}`)} to={t(`common:rule.${rule.to}`)} />
        )}
        {models.map(({ names, from, to }) => (
          <ChangeLine key={names.join()} of={t('setup.modelOf', { name: listed(names) })} from={from} to={to} />
        ))}
        {same.length > 0 && (
          <p className={styles['nothing']}>
            {t('setup.sameAll', { what: listed(same.map((condition) => t(`setup.${condition}`))) })}
          </p>
        )}
      </div>
    </Section>
  );
}
