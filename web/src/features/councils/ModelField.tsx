import { useTranslation } from 'react-i18next';
import { TextField } from '@/ui/Field';
import { ModelStanding } from './ModelStanding';
import { useModels } from './models';
import type { SeatFieldsProps } from './SeatFields';

/** A model by its name: the server's suggestions, or free text, and whether such models work there. */
export function ModelField({ state, seat, at, modelsId, onChange }: SeatFieldsProps) {
  const { t } = useTranslation('councils');
  const { data } = useModels();
  const listId = `${modelsId}-${seat.key}`;
  const elsewhere = state.form.agents.map(({ model }) => model.trim()).filter((model) => model !== '');
  const suggested = [...new Set([...(data?.items ?? []).map(({ example }) => example), ...elsewhere])];
  return (
    <>
      <TextField
        label={t('edit.model')}
        hint={seat.model.trim() === '' ? t('edit.modelHint') : <ModelStanding model={seat.model} />}
        error={state.errorOfSeat(at, seat, 'model')}
        value={seat.model}
        list={listId}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        onChange={({ target }) => onChange({ model: target.value }, ['model'])}
        onBlur={() => state.leave(`${seat.key}.model`)}
      />
      <datalist id={listId}>
        {suggested.map((model) => (
          <option key={model} value={model} />
        ))}
      </datalist>
    </>
  );
}
