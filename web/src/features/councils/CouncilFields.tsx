import { useTranslation } from 'react-i18next';
import type { Rule } from '@/protocol/types';
import { Select, TextField } from '@/ui/Field';
import { LIMIT_NAMES, RULES } from './council';
import styles from './councils.module.css';
import type { CouncilFormState } from './useCouncilForm';

interface CouncilFieldsProps {
  readonly state: CouncilFormState;
  readonly isIdFixed: boolean;
}

/** The fields of the council itself: what it is called, its rule, its limits. */
export function CouncilFields({ state, isIdFixed }: CouncilFieldsProps) {
  const { t } = useTranslation('councils');
  const { form, change } = state;
  return (
    <section className={styles['section']} aria-label={t('edit.council')}>
      <h2 className={styles['sectionTitle']}>{t('edit.council')}</h2>
      <div className={styles['pair']}>
        <TextField
          label={t('edit.id')}
          hint={t(isIdFixed ? 'edit.idFixed' : 'edit.idHint')}
          error={state.errorOf('id')}
          value={form.id}
          readOnly={isIdFixed}
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          required
          onChange={({ target }) => change((before) => ({ ...before, id: target.value }), ['id'])}
          onBlur={() => state.leave('id')}
        />
        <TextField
          label={t('edit.name')}
          hint={t('edit.nameHint')}
          error={state.errorOf('name')}
          value={form.name}
          autoComplete="off"
          onChange={({ target }) => change((before) => ({ ...before, name: target.value }), ['name'])}
          onBlur={() => state.leave('name')}
        />
      </div>
      <Select
        label={t('edit.rule')}
        hint={t(`edit.ruleHint.${form.rule}`)}
        error={state.errorOf('rule')}
        value={form.rule}
        onChange={({ target }) => change((before) => ({ ...before, rule: target.value as Rule }), ['rule', 'agents'])}
        onBlur={() => state.leave('rule')}
      >
        {RULES.map((rule) => (
          <option key={rule} value={rule}>
            {t(`rule.${rule}`, { ns: 'common' })}
          </option>
        ))}
      </Select>
      <LimitFields state={state} />
    </section>
  );
}

function LimitFields({ state }: { readonly state: CouncilFormState }) {
  const { t } = useTranslation('councils');
  return (
    <fieldset className={styles['group']}>
      <legend className={styles['legend']}>{t('edit.limits')}</legend>
      <p className={styles['hint']}>{t('edit.limitsHint')}</p>
      <div className={styles['quad']}>
        {LIMIT_NAMES.map((name) => (
          <TextField
            key={name}
            label={t(`limit.${name}`)}
            error={state.errorOf(`limits.${name}`)}
            value={state.form.limits[name]}
            inputMode="decimal"
            autoComplete="off"
            onChange={({ target }) =>
              state.change(
                (before) => ({ ...before, limits: { ...before.limits, [name]: target.value } }),
                [`limits.${name}`],
              )
            }
            onBlur={() => state.leave(`limits.${name}`)}
          />
        ))}
      </div>
    </fieldset>
  );
}
