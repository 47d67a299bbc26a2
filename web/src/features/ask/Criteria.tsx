import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { TextArea } from '@/ui/Field';
import { Icon } from '@/ui/Icon';
import styles from './ask.module.css';
import type { Draft } from './question';
import { useLeft } from './useLeft';

interface CriteriaProps {
  readonly draft: Draft;
  readonly errors: { readonly approveIf: string | null; readonly rejectIf: string | null };
  readonly onChange: (change: Partial<Draft>) => void;
}

/** What the votes are to hang on; folded away, because most questions do without. */
export function Criteria({ draft, errors, onChange }: CriteriaProps) {
  const { t } = useTranslation('ask');
  const left = useLeft();
  const [isOpen, setOpen] = useState(draft.approveIf !== '' || draft.rejectIf !== '');
  const hasError = errors.approveIf !== null || errors.rejectIf !== null;
  return (
    <details
      className={styles['criteria']}
      open={isOpen || hasError}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary className={styles['summary']}>
        <Icon name="right" size="1em" />
        {t('criteria.title')}
      </summary>
      <div className={styles['criteriaFields']}>
        {(['approveIf', 'rejectIf'] as const).map((field) => (
          <TextArea
            key={field}
            label={t(`criteria.${field}`)}
            hint={left(field, draft[field])}
            error={errors[field]}
            placeholder={t(`criteria.${field}Example`)}
            rows={2}
            value={draft[field]}
            onChange={({ target }) => onChange({ [field]: target.value })}
          />
        ))}
      </div>
    </details>
  );
}
