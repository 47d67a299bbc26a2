import { useTranslation } from 'react-i18next';
import type { DeliberationState } from '@/protocol/types';
import { causeWords } from '@/ui/causes';
import { Notice } from '@/ui/Notice';
import { noteSentences, reservationsOf, reservationWords } from '@/ui/reservations';
import { hasEnded } from './alignment';

/** What has to be known before the outcome is read. */
export function Warnings({ state }: { readonly state: DeliberationState }) {
  const { t } = useTranslation(['deliberation', 'common', 'compare']);
  const { cancelled, error } = state;
  const reservations = reservationsOf(state).flatMap((reservation) => reservationWords(t, reservation));
  const notes = noteSentences(t, state);
  return (
    <>
      {error != null && (
        <Notice kind="danger" title={t('limits.failed', { cause: causeWords(t, error.error) })}>
          {error.message}
        </Notice>
      )}
      {cancelled != null && <Notice kind="warning">{t('limits.cancelled')}</Notice>}
      {!hasEnded(state) && <Notice kind="info">{t('compare:running')}</Notice>}
      {reservations.length > 0 && (
        <Notice kind="warning">
          <Sentences sentences={reservations} />
        </Notice>
      )}
      {notes.length > 0 && (
        <Notice kind="info">
          <Sentences sentences={notes} />
        </Notice>
      )}
    </>
  );
}

function Sentences({ sentences }: { readonly sentences: readonly string[] }) {
  return sentences.map((sentence) => <p key={sentence}>{sentence}</p>);
}
