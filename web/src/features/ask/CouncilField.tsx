import { useQuery } from '@tanstack/react-query';
import { useId, type CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useBackend } from '@/live/backend';
import type { Council } from '@/transport/api';
import { agentLook } from '@/ui/agents';
import { Button } from '@/ui/Button';
import { Select } from '@/ui/Field';
import { useFailureWords } from '@/ui/Failure';
import { Icon } from '@/ui/Icon';
import { Notice } from '@/ui/Notice';
import { paths } from '@/ui/paths';
import styles from './ask.module.css';
import { modelsOf } from './modelsOf';
import { DEFAULT_COUNCIL, type CouncilChoice } from './useCouncilChoice';

interface CouncilFieldProps {
  readonly choice: CouncilChoice;
  readonly error: string | null;
  readonly onChange: () => void;
}

/** Who is asked. */
export function CouncilField({ choice, error, onChange }: CouncilFieldProps) {
  const { t } = useTranslation('ask');
  const { id, councils } = choice;
  return (
    <div className={styles['council']}>
      <Select
        label={t('council.label')}
        error={error}
        value={id}
        disabled={councils === null}
        onChange={({ target }) => {
          choice.choose(target.value);
          onChange();
        }}
      >
        {councils === null && <option value={id}>{id}</option>}
        {councils?.map((listed) => (
          <option key={listed.id} value={listed.id}>
            {nameOf(listed)}
          </option>
        ))}
      </Select>
    </div>
  );
}

function nameOf(council: Council & { readonly name?: string | null }): string {
  return council.name ?? council.id;
}

function Seats({ council }: { readonly council: Council }) {
  const { t } = useTranslation('ask');
  const labelId = useId();
  const seated = council.agents.filter(({ enabled }) => enabled !== false);
  return (
    <div>
      <span id={labelId} className="visually-hidden">
        {t('council.agents')}
      </span>
      <ul className={styles['seats']} aria-labelledby={labelId}>
        {seated.map((seat, at) => {
          const { icon, colour } = agentLook(seat.agentId, seat.role, at);
          return (
            <li key={seat.agentId} className={styles['seat']}>
              <span className={styles['seatMark']} style={{ '--agent': colour } as CSSProperties}>
                <Icon name={icon} size="1em" />
              </span>
              {seat.name}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** What a person should know of the chosen council before asking it: why it is not another, and what its models are. */
export function CouncilNotes({ choice }: { readonly choice: CouncilChoice }) {
  const { t } = useTranslation('ask');
  const failure = useFailureWords();
  if (choice.error !== null) {
    return (
      <Notice
        kind="warning"
        role="status"
        title={t('council.unknown', { id: DEFAULT_COUNCIL })}
        actions={
          <Button small icon="retry" onClick={choice.retry}>
            {t('retry', { ns: 'common' })}
          </Button>
        }
      >
        {failure(choice.error)}
      </Notice>
    );
  }
  return (
    <>
      {choice.missing !== null && (
        <Notice kind="warning" role="status" title={t('council.missing', { id: choice.missing, instead: choice.id })} />
      )}
      {choice.council !== null && (
        <div className={styles['who']}>
          <Seats council={choice.council} />
          <ModelNotes council={choice.council} />
        </div>
      )}
    </>
  );
}

function ModelNotes({ council }: { readonly council: Council }) {
  const { t } = useTranslation('ask');
  const backend = useBackend();
  const { data } = useQuery({
    queryKey: [backend.key, 'models'],
    queryFn: ({ signal }) => backend.api.models(signal),
    staleTime: 60_000,
  });
  const { ruleBased, unusable } = modelsOf(council, data ?? null);
  return (
    <>
      {ruleBased !== 'none' && (
        <p className={styles['note']}>
          <Icon name="info" />
          <span>{t(`models.${ruleBased}`)}</span>
        </p>
      )}
      {unusable !== null && (
        <Notice
          kind="warning"
          title={t('models.unusable', { name: unusable.name, model: unusable.model })}
          actions={<Link href={`${paths.councils}?id=${encodeURIComponent(council.id)}`}>{t('models.look')}</Link>}
        >
          {unusable.reason}
        </Notice>
      )}
    </>
  );
}
