import { useTranslation } from 'react-i18next';
import type { Cancelled, DeliberationState, Failed } from '@/protocol/types';
import { causeWords } from '@/ui/causes';
import { useFormats } from '@/ui/format';
import { Notice } from '@/ui/Notice';
import { noteSentences, reservationsOf, reservationWords, type Reservation } from '@/ui/reservations';
import styles from './Judge.module.css';

interface NoticesProps {
  readonly state: DeliberationState;
  readonly verified: boolean | null;
}

/** What has to be known before the outcome is read: what it lacks, how it was cut short, who is no language model. */
export function Notices({ state, verified }: NoticesProps) {
  const { t } = useTranslation(['deliberation', 'common']);
  const reservations = reservationsOf(state);
  const missing = reservations.find((reservation) => reservation.kind === 'missing');
  const others = reservations.filter((reservation) => reservation.kind !== 'missing');
  // Who is missing explains the first of the others; it stands alone only where none of them does.
  const heads: readonly (Reservation | null)[] = others.length === 0 && missing !== undefined ? [null] : others;
  return (
    <div className={styles['notices']}>
      {state.cancelled != null && <CancelledNotice cancelled={state.cancelled} state={state} />}
      {state.error != null && <FailedNotice failed={state.error} />}
      {verified === false && <Notice kind="danger" title={t('limits.mismatch')} />}
      {heads.map((reservation, place) => {
        const [title, ...more] = reservation === null ? [t('limits.missing')] : reservationWords(t, reservation);
        return (
          <Notice key={reservation?.kind ?? 'missing'} kind="warning" title={title}>
            {more.map((sentence) => (
              <p key={sentence}>{sentence}</p>
            ))}
            {place === 0 && missing !== undefined && <Absences sentences={reservationWords(t, missing)} />}
          </Notice>
        );
      })}
      {noteSentences(t, state).map((sentence) => (
        <Notice key={sentence} kind="info">
          {sentence}
        </Notice>
      ))}
    </div>
  );
}

function Absences({ sentences }: { readonly sentences: readonly string[] }) {
  return (
    <ul className={styles['absences']}>
      {sentences.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}

function FailedNotice({ failed }: { readonly failed: Failed }) {
  const { t } = useTranslation(['deliberation', 'common']);
  return (
    <Notice kind="danger" title={t('limits.failed', { cause: causeWords(t, failed.error) })}>
      <p>{failed.message}</p>
      {failed.retryable && <p>{t('limits.retryable')}</p>}
    </Notice>
  );
}

/** What a stopped deliberation had used: who streams with somebody's money wants to see that it has ended. */
function CancelledNotice({ cancelled, state }: { readonly cancelled: Cancelled; readonly state: DeliberationState }) {
  const { t } = useTranslation('deliberation');
  const formats = useFormats();
  const names = new Map(state.start?.council.agents.map(({ agentId, name }) => [agentId, name]));
  return (
    <Notice kind="warning" title={t('limits.cancelled')}>
      {cancelled.receipt.agents.length > 0 && (
        <>
          <p>{t('limits.receipt')}</p>
          <ul className={styles['absences']}>
            {cancelled.receipt.agents.map(({ agentId, outputTokens, estimated, upstreamClosed }) => (
              <li key={agentId}>
                {names.get(agentId) ?? agentId}:{' '}
                {t(estimated ? 'limits.estimated' : 'limits.counted', { n: formats.count(outputTokens) })};{' '}
                {t(upstreamClosed ? 'limits.closed' : 'limits.open')}
              </li>
            ))}
          </ul>
        </>
      )}
    </Notice>
  );
}
