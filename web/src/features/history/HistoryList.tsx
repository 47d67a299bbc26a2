import { useEffect, useEffectEvent, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { Departures } from '@/live/departures';
import { Button, buttonClass } from '@/ui/Button';
import { classes } from '@/ui/classes';
import { FailureNotice } from '@/ui/Failure';
import { Icon } from '@/ui/Icon';
import { paths } from '@/ui/paths';
import { byDay, useDayWords } from './days';
import styles from './HistoryList.module.css';
import type { Item } from './items';
import type { HistoryList as List } from './list';
import { Row, type RowActions } from './Row';

interface HistoryListProps {
  readonly list: List;
  /** Those of the list that are still to be seen. */
  readonly items: readonly Item[];
  readonly departures: Departures;
  readonly selected: readonly Item[];
  readonly actions: RowActions;
  /** Present where search or filters narrow the list. */
  readonly onClear: (() => void) | null;
}

export function HistoryList({ list, items, departures, selected, actions, onClear }: HistoryListProps) {
  if (list.isPending) return <Skeleton />;
  const retry = () => void list.refetch();
  if (list.data === undefined) return <FailureNotice error={list.error} onRetry={retry} />;
  const isEmpty = items.length === 0 && !list.hasNextPage;
  return (
    <>
      {list.isRefetchError && <FailureNotice error={list.error} onRetry={retry} />}
      {/* What the server does not say now may be more than nothing. */}
      {isEmpty ? (
        !list.isRefetchError && <Empty onClear={onClear} />
      ) : (
        <Days items={items} isOld={list.isPlaceholderData} {...{ departures, selected, actions }} />
      )}
      <More list={list} />
    </>
  );
}

type DaysProps = Omit<HistoryListProps, 'list' | 'onClear'> & {
  /** The answer to what was asked before, while the new one is on its way. */
  readonly isOld: boolean;
};

function Days({ items, isOld, departures, selected, actions }: DaysProps) {
  const words = useDayWords();
  const selectionOf = (item: Item) =>
    selected.some(({ deliberationId }) => deliberationId === item.deliberationId)
      ? 'on'
      : selected.length >= 2
        ? 'full'
        : 'off';
  return (
    <div className={classes(styles['days'], isOld && styles['old'])} aria-busy={isOld}>
      {byDay(items, new Date()).map((day) => (
        <section key={day.date} aria-labelledby={`day-${day.date}`}>
          <h2 id={`day-${day.date}`} className={styles['day']}>
            <time dateTime={day.date}>{words.name(day)}</time>
          </h2>
          <ul className={styles['rows']}>
            {day.items.map((item) => (
              <Row
                key={item.deliberationId}
                item={item}
                selection={selectionOf(item)}
                departure={departures[item.deliberationId]}
                actions={actions}
              />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Empty({ onClear }: { readonly onClear: (() => void) | null }) {
  const { t } = useTranslation('history');
  return (
    <div className={styles['empty']}>
      <span className={styles['sign']} aria-hidden="true">
        <Icon name="caspar" size="1.5rem" />
        <Icon name="balthasar" size="1.5rem" />
        <Icon name="melchior" size="1.5rem" />
      </span>
      <p>{t(onClear === null ? 'empty.none' : 'empty.notFound')}</p>
      {onClear === null ? (
        <Link href={paths.ask} className={buttonClass('primary')}>
          {t('empty.ask')}
        </Link>
      ) : (
        <Button onClick={onClear}>{t('empty.clear')}</Button>
      )}
    </div>
  );
}

/** The next page: by its button, and by itself when the end of the list comes near. */
function More({ list }: { readonly list: List }) {
  const { t } = useTranslation(['history', 'common']);
  const end = useRef<HTMLDivElement>(null);
  const hasMore = list.hasNextPage && !list.isPlaceholderData;
  const next = () => {
    if (!list.isFetching) void list.fetchNextPage();
  };
  const nextByItself = useEffectEvent(next);
  // What failed waits for the person: a page that scrolls itself into the same error again says nothing new.
  const isWatched = hasMore && !list.isFetchNextPageError && !list.isFetching;
  useEffect(() => {
    if (!isWatched || end.current === null || typeof IntersectionObserver === 'undefined') return undefined;
    const observer = new IntersectionObserver(
      (seen) => {
        if (seen.some(({ isIntersecting }) => isIntersecting)) nextByItself();
      },
      { rootMargin: '0px 0px 480px' },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [isWatched]);
  if (!hasMore) return null;
  return (
    <div ref={end} className={styles['more']}>
      {list.isFetchNextPageError ? (
        <FailureNotice error={list.error} onRetry={next} />
      ) : (
        <Button onClick={next} aria-disabled={list.isFetchingNextPage}>
          {t(list.isFetchingNextPage ? 'common:loading' : 'more')}
        </Button>
      )}
    </div>
  );
}

/** Rows of the height that rows have, so that nothing jumps when they come. */
function Skeleton() {
  const { t } = useTranslation('common');
  return (
    <div role="status">
      <span className="visually-hidden">{t('loading')}</span>
      <div className={styles['days']} aria-hidden="true">
        <div>
          <div className={classes(styles['day'], styles['blank'])} />
          <div className={styles['rows']}>
            {[1, 2, 3, 4, 5].map((place) => (
              <div key={place} className={styles['ghost']}>
                <span className={styles['blank']} />
                <span className={styles['blank']} />
              </div>
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}
