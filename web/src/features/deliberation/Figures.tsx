import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Complete } from '@/protocol/types';
import { useFormats } from '@/ui/format';
import { Icon } from '@/ui/Icon';
import styles from './Judge.module.css';

interface FiguresProps {
  readonly complete: Complete;
  readonly verified: boolean | null;
  readonly isChat: boolean;
}

/** What it took, as it was measured; what was not is absent. */
export function Figures({ complete, verified, isChat }: FiguresProps) {
  const { t } = useTranslation(['deliberation', 'common']);
  const formats = useFormats();
  const { usage, costUsd, executionTime, authority } = complete;
  const uncounted = usage.uncountedCalls ?? 0;
  return (
    <dl className={styles['figures']} aria-label={t('figures.title')}>
      {!isChat && <Figure name={t('figures.rule')}>{t(`common:rule.${authority.rule}`)}</Figure>}
      <Figure name={t('figures.time')}>{formats.duration(executionTime)}</Figure>
      <Figure name={t('figures.input')}>{formats.count(usage.inputTokens)}</Figure>
      <Figure name={t('figures.output')}>{formats.count(usage.outputTokens)}</Figure>
      {uncounted > 0 && <Figure name={t('figures.uncounted')}>{formats.count(uncounted)}</Figure>}
      {costUsd != null && <Figure name={t('figures.cost')}>{formats.cost(costUsd)}</Figure>}
      <Figure name={t('figures.log')}>
        <span className={styles['digest']} data-verified={String(verified)} title={complete.digest}>
          <Icon name={verified === true ? 'approve' : verified === false ? 'warning' : 'info'} />
          {t(verified === true ? 'figures.verified' : verified === false ? 'figures.mismatch' : 'figures.unverifiable')}
        </span>
      </Figure>
    </dl>
  );
}

function Figure({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
