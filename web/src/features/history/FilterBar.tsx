import { useTranslation } from 'react-i18next';
import { Select } from '@/ui/Field';
import styles from './FilterBar.module.css';
import { DECISIONS, OUTCOMES, type Filters } from './filters';
import { SearchBox } from './SearchBox';

interface FilterBarProps {
  readonly filters: Filters;
  readonly onChange: (change: Partial<Filters>, options?: { readonly replace: boolean }) => void;
}

export function FilterBar({ filters, onChange }: FilterBarProps) {
  const { t } = useTranslation(['history', 'common']);
  return (
    <div className={styles['bar']}>
      <SearchBox words={filters.q} onSearch={(q) => onChange({ q }, { replace: true })} />
      <Select
        label={t('filter.outcome')}
        value={filters.outcome ?? ''}
        onChange={({ target }) => onChange({ outcome: OUTCOMES.find((word) => word === target.value) ?? null })}
      >
        <option value="">{t('filter.anyOutcome')}</option>
        {OUTCOMES.map((outcome) => (
          <option key={outcome} value={outcome}>
            {t(`common:outcome.${outcome}`)}
          </option>
        ))}
      </Select>
      <Select
        label={t('filter.decision')}
        value={filters.decision ?? ''}
        onChange={({ target }) => onChange({ decision: DECISIONS.find((word) => word === target.value) ?? null })}
      >
        <option value="">{t('filter.anyDecision')}</option>
        {DECISIONS.map((decision) => (
          <option key={decision} value={decision}>
            {t(`common:decision.${decision}`)}
          </option>
        ))}
      </Select>
    </div>
  );
}
