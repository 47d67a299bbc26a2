import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { Role } from '@/protocol/types';
import { IconButton } from '@/ui/Button';
import { Select, TextArea, TextField } from '@/ui/Field';
import { useFormats } from '@/ui/format';
import { AgentMark } from './AgentMark';
import { characters } from './check';
import { BOUNDS } from './council';
import styles from './councils.module.css';
import { SAMPLING, type SeatForm } from './form';
import { ModelField } from './ModelField';
import type { CouncilFormState } from './useCouncilForm';

export interface SeatFieldsProps {
  readonly state: CouncilFormState;
  readonly seat: SeatForm;
  readonly at: number;
  readonly modelsId: string;
  readonly onChange: (change: Partial<SeatForm>, fields: readonly (keyof SeatForm)[]) => void;
  readonly onMove: (by: -1 | 1) => void;
  readonly onRemove: () => void;
}

export function SeatFields(props: SeatFieldsProps) {
  const { t } = useTranslation('councils');
  const { state, seat, at, onChange } = props;
  const titleId = useId();
  const text = (name: 'agentId' | 'name') => ({
    error: state.errorOfSeat(at, seat, name),
    value: seat[name],
    autoComplete: 'off',
    required: true,
    onChange: ({ target }: { target: HTMLInputElement }) => onChange({ [name]: target.value }, [name]),
    onBlur: () => state.leave(`${seat.key}.${name}`),
  });
  return (
    <fieldset className={styles['seatForm']} aria-labelledby={titleId}>
      <SeatHead {...props} titleId={titleId} />
      <div className={styles['triple']}>
        <TextField label={t('edit.agentName')} {...text('name')} />
        <TextField label={t('edit.agentId')} spellCheck={false} autoCapitalize="none" {...text('agentId')} />
        <Select
          label={t('edit.role')}
          error={state.errorOfSeat(at, seat, 'role')}
          value={seat.role}
          onChange={({ target }) => onChange({ role: target.value as Role }, ['role'])}
        >
          {(['sage', 'judge'] as const).map((role) => (
            <option key={role} value={role}>
              {t(`role.${role}`, { ns: 'common' })}
            </option>
          ))}
        </Select>
      </div>
      <PersonaField {...props} />
      <ModelField {...props} />
      <SamplingFields {...props} />
      <label className={styles['check']}>
        <input
          type="checkbox"
          checked={seat.enabled}
          onChange={({ target }) => onChange({ enabled: target.checked }, ['enabled'])}
        />
        {t('edit.enabled')}
      </label>
    </fieldset>
  );
}

function SeatHead({ state, seat, at, onMove, onRemove, titleId }: SeatFieldsProps & { readonly titleId: string }) {
  const { t } = useTranslation('councils');
  const name = seat.name.trim() || seat.agentId || t('edit.unnamed');
  const isLast = at === state.form.agents.length - 1;
  return (
    <div className={styles['seatHead']}>
      <AgentMark agentId={seat.agentId} role={seat.role} index={at} size="1.5em" />
      <h3 id={titleId} className={styles['cardName']}>
        {name}
      </h3>
      <span className={styles['seatButtons']}>
        <IconButton
          icon="up"
          small
          label={t('edit.up', { name })}
          disabled={at === 0}
          data-move="-1"
          onClick={() => onMove(-1)}
        />
        <IconButton
          icon="down"
          small
          label={t('edit.down', { name })}
          disabled={isLast}
          data-move="1"
          onClick={() => onMove(1)}
        />
        <IconButton icon="delete" small label={t('edit.remove', { name })} onClick={onRemove} />
      </span>
    </div>
  );
}

function PersonaField({ state, seat, at, onChange }: SeatFieldsProps) {
  const { t } = useTranslation('councils');
  const format = useFormats();
  return (
    <TextArea
      label={t('edit.persona')}
      hint={
        <>
          {t('edit.personaHint')}{' '}
          <span className={styles['mono']}>
            {format.count(characters(seat.systemPrompt))} / {format.count(BOUNDS.persona)}
          </span>
        </>
      }
      error={state.errorOfSeat(at, seat, 'systemPrompt')}
      value={seat.systemPrompt}
      rows={5}
      required
      onChange={({ target }) => onChange({ systemPrompt: target.value }, ['systemPrompt'])}
      onBlur={() => state.leave(`${seat.key}.systemPrompt`)}
    />
  );
}

function SamplingFields({ state, seat, at, onChange }: SeatFieldsProps) {
  const { t } = useTranslation('councils');
  return (
    <fieldset className={styles['group']}>
      <legend className={styles['legend']}>{t('edit.sampling')}</legend>
      <p className={styles['hint']}>{t('edit.samplingHint')}</p>
      <div className={styles['quad']}>
        {SAMPLING.map((name) => (
          <TextField
            key={name}
            label={t(`edit.${name}`)}
            hint={t(`edit.bounds.${name}`)}
            error={state.errorOfSeat(at, seat, name)}
            value={seat[name]}
            inputMode="decimal"
            autoComplete="off"
            onChange={({ target }) => onChange({ [name]: target.value }, [name])}
            onBlur={() => state.leave(`${seat.key}.${name}`)}
          />
        ))}
      </div>
    </fieldset>
  );
}
