import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useBackend } from '@/live/backend';
import { remaining, useDepartures } from '@/live/departures';
import { listKey } from '@/live/queryKeys';
import type { HistoryItem } from '@/protocol/types';
import { DecisionMark, OutcomeMark } from '@/ui/Decision';
import { FailureNotice } from '@/ui/Failure';
import { useFormats } from '@/ui/format';
import { paths } from '@/ui/paths';
import styles from './ask.module.css';

const SHOWN = 5;
/** More than is shown, since some may be deleted. */
const ASKED = 2 * SHOWN;
/** How often the list is renewed while something in it runs. */
const RENEW_MS = 5_000;

/** The last deliberations and what came of them. */
export function Recents() {
  const { t } = useTranslation('ask');
  const backend = useBackend();
  const { data, error, failureReason, isPending, refetch } = useQuery({
    queryKey: listKey(backend.key, 'ask'),
    queryFn: ({ signal }) => backend.api.list({ limit: ASKED }, signal),
    refetchOnMount: 'always',
    refetchInterval: ({ state }) => (state.data?.items.some(isRunning) === true ? RENEW_MS : false),
  });
  const items = remaining(data?.items ?? [], useDepartures());
  const isEmpty = items.length === 0 && data?.nextCursor === null;
  return (
    <section className={styles['recents']} aria-labelledby="ask-recents">
      <header className={styles['recentsHead']}>
        <h2 id="ask-recents" className={styles['overline']}>
          {t('recent.title')}
        </h2>
        {data !== undefined && !isEmpty && <Link href={paths.history}>{t('recent.all')}</Link>}
      </header>
      {isPending && <p className={styles['quiet']}>{t('loading', { ns: 'common' })}</p>}
      {error !== null && <FailureNotice error={error} onRetry={() => void refetch()} />}
      {/* That there were none is not said again while the server does not answer. */}
      {isEmpty && failureReason === null && <p className={styles['quiet']}>{t('recent.none')}</p>}
      {items.length > 0 && (
        <ul className={styles['recentList']}>
          {items.slice(0, SHOWN).map((item) => (
            <li key={item.deliberationId}>
              <Recent item={item} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function isRunning({ status }: HistoryItem): boolean {
  return status === 'running' || status === 'empty';
}

function Recent({ item }: { readonly item: HistoryItem & { readonly title?: string | null } }) {
  const format = useFormats();
  return (
    <Link href={paths.deliberation(item.deliberationId)} className={styles['recent']}>
      <span className={styles['recentQuestion']}>{item.title ?? item.question}</span>
      <span className={styles['recentMarks']}>
        <Result item={item} />
      </span>
      <time className={styles['recentTime']} dateTime={item.startedAt}>
        {format.moment(item.startedAt)}
      </time>
    </Link>
  );
}

function Result({ item }: { readonly item: HistoryItem }) {
  const { t } = useTranslation('ask');
  const { decision, outcome, status } = item;
  if (isRunning(item)) return <span className={styles['running']}>{t('recent.running')}</span>;
  if (status === 'cancelled' || status === 'error') return <span>{t(`recent.${status}`)}</span>;
  return (
    <>
      {decision !== null && <DecisionMark decision={decision} />}
      {outcome !== null && outcome !== 'decided' && <OutcomeMark outcome={outcome} />}
    </>
  );
}
