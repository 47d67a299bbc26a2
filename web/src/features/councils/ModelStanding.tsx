import { useTranslation } from 'react-i18next';
import { useFailureWords } from '@/ui/Failure';
import { Icon } from '@/ui/Icon';
import styles from './councils.module.css';
import { modelState, useModels } from './models';

interface ModelStandingProps {
  readonly model: string;
  /** Says only what stands in the way of the model, or what it could be mistaken for. */
  readonly isQuiet?: boolean;
}

/** Whether a model can be used on this server, and if not, why. */
export function ModelStanding({ model, isQuiet = false }: ModelStandingProps) {
  const { t } = useTranslation('councils');
  const { data, error } = useModels();
  const failure = useFailureWords();
  if (model.trim() === '') return null;
  if (data === undefined) {
    if (error === null || isQuiet) return null;
    return <span className={styles['standing']}>{t('model.unchecked', { reason: failure(error) })}</span>;
  }
  const state = modelState(model, data.items);
  switch (state.kind) {
    case 'default':
      return null;
    case 'unknown':
    case 'unusable':
      return (
        <span className={styles['standing']} data-kind="warning">
          <Icon name="warning" />
          {state.kind === 'unknown'
            ? t('model.unknown', { prefix: state.prefix })
            : t('model.unusable', { reason: state.reason })}
        </span>
      );
    case 'usable':
      if (isQuiet && !state.isRuleBased) return null;
      return (
        <span className={styles['standing']}>
          <Icon name={state.isRuleBased ? 'info' : 'approve'} />
          {isQuiet ? '' : t('model.usable')} {state.isRuleBased && t('model.ruleBased')}
        </span>
      );
  }
}
