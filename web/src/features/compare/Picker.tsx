import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useBackend } from '@/live/backend';
import { remaining, useDepartures } from '@/live/departures';
import { listKey } from '@/live/queryKeys';
import type { HistoryItem } from '@/protocol/types';
import { beginning } from '@/ui/beginning';
import { DecisionMark, OutcomeMark } from '@/ui/Decision';
import { FailureNotice } from '@/ui/Failure';
import { useFormats } from '@/ui/format';
import { paths } from '@/ui/paths';
import styles from './Picker.module.css';

const RECENT_ITEMS = 10;
const NAME_CHARS = 200;

type Item = HistoryItem & { readonly title?: string | null };

interface PickerProps {
  readonly letter: string;
  readonly without: string | null;
  readonly onChoose: (id: string) => void;
}

/** Chooses one of the recent deliberations. */
export function Picker({ letter, without, onChoose }: PickerProps) {
  const { t } = useTranslation(['compare', 'common']);
  const { api, key } = useBackend();
  const departures = useDepartures();
  const recent = useQuery({
    queryKey: listKey(key, 'compare'),
    // More than is shown, since one may stand on the other side and some may be deleted.
    queryFn: ({ signal }) => api.list({ limit: 2 * RECENT_ITEMS }, signal),
  });
  if (recent.isPending) return <p role="status">{t('common:loading')}</p>;
  if (recent.data === undefined) return <FailureNotice error={recent.error} onRetry={() => void recent.refetch()} />;
  const items = remaining(recent.data.items, departures)
    .filter(({ deliberationId }) => deliberationId !== without)
    .slice(0, RECENT_ITEMS);
  if (items.length === 0) {
    return (
      <p className={styles['hint']}>
        {t('picker.none')} <Link href={paths.ask}>{t('picker.ask')}</Link>
      </p>
    );
  }
  return (
    <>
      <ul className={styles['items']} aria-label={t('picker.recent', { letter })}>
        {items.map((item) => (
          <Choice key={item.deliberationId} item={item} onChoose={onChoose} />
        ))}
      </ul>
      <p className={styles['hint']}>
        {t('picker.older')} <Link href={paths.history}>{t('common:nav.history')}</Link>
      </p>
    </>
  );
}

function Choice({ item, onChoose }: { readonly item: Item; readonly onChoose: (id: string) => void }) {
  const formats = useFormats();
  const title = item.title?.trim() ?? '';
  return (
    <li>
      <button type="button" className={styles['choice']} onClick={() => onChoose(item.deliberationId)}>
        <span className={styles['name']}>{beginning(title === '' ? item.question : title, NAME_CHARS)}</span>
        <span className={styles['when']}>{formats.moment(item.startedAt)}</span>
        {item.decision !== null ? (
          <DecisionMark decision={item.decision} />
        ) : (
          item.outcome !== null && <OutcomeMark outcome={item.outcome} />
        )}
      </button>
    </li>
  );
}
