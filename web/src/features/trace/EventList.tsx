import { useEffect, useId, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { MagiEvent } from '@/protocol/types';
import { classes } from '@/ui/classes';
import { lineOf, windowOf } from './eventLines';
import styles from './EventsView.module.css';

/** As in EventsView.module.css. */
const ROW_PX = 28;

interface EventListProps {
  readonly events: readonly MagiEvent[];
  readonly currentSeq: number | null;
  readonly onCurrent: (seq: number) => void;
}

/** Lines of JSON, of which only those in sight are made. Follows the end of the log while its last line is in sight. */
export function EventList({ events, currentSeq, onCurrent }: EventListProps) {
  const { t } = useTranslation('trace');
  const id = useId();
  const { list, scrollPx, heightPx, onScroll } = useSight(events.length);
  const { from, to } = windowOf(events.length, ROW_PX, scrollPx, heightPx);
  const current = events.findIndex(({ seq }) => seq === currentSeq);
  const move = (event: KeyboardEvent) => {
    const place = placeAfter(event.key, current, events.length, Math.floor(heightPx / ROW_PX));
    const next = place === null ? undefined : events[place];
    if (place === null || next === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    onCurrent(next.seq);
    if (list.current !== null) reveal(list.current, place);
  };
  // An element that is not made cannot be pointed at.
  const isInSight = current >= from && current < to;
  return (
    <div
      ref={list}
      className={styles['list']}
      role="listbox"
      tabIndex={0}
      aria-label={t('events.list')}
      aria-activedescendant={isInSight ? `${id}-${currentSeq}` : undefined}
      onScroll={onScroll}
      onKeyDown={move}
    >
      <div className={styles['whole']} role="presentation" style={{ height: `${events.length * ROW_PX}px` }}>
        {events.slice(from, to).map((event, place) => (
          <div
            key={event.seq}
            id={`${id}-${event.seq}`}
            className={classes(styles['line'], event.seq === currentSeq && styles['current'])}
            style={{ top: `${(from + place) * ROW_PX}px` }}
            role="option"
            aria-selected={event.seq === currentSeq}
            aria-setsize={events.length}
            aria-posinset={from + place + 1}
            onClick={() => onCurrent(event.seq)}
          >
            <span className={styles['seq']}>{event.seq}</span>
            {lineOf(event)}
          </div>
        ))}
      </div>
    </div>
  );
}

function placeAfter(key: string, current: number, n: number, page: number): number | null {
  const to: Partial<Record<string, number>> = {
    ArrowDown: current + 1,
    ArrowUp: current - 1,
    PageDown: current + page,
    PageUp: current - page,
    Home: 0,
    End: n - 1,
  };
  const place = to[key];
  return place === undefined ? null : Math.min(Math.max(0, place), n - 1);
}

function reveal(list: HTMLElement, place: number): void {
  const top = place * ROW_PX;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW_PX > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_PX - list.clientHeight;
}

/** What of the list is seen. */
function useSight(n: number) {
  const list = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ scrollPx: 0, heightPx: 400 });
  const isAtEnd = useRef(false);
  const look = () => {
    const shown = list.current;
    if (shown === null) return;
    isAtEnd.current = shown.scrollTop + shown.clientHeight >= shown.scrollHeight - ROW_PX;
    setSight({ scrollPx: shown.scrollTop, heightPx: shown.clientHeight });
  };
  useEffect(() => {
    const shown = list.current;
    if (shown === null) return undefined;
    const observer = new ResizeObserver(() => setSight((before) => ({ ...before, heightPx: shown.clientHeight })));
    observer.observe(shown);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const shown = list.current;
    if (shown !== null && isAtEnd.current) shown.scrollTop = shown.scrollHeight;
  }, [n]);
  return { list, ...sight, onScroll: look };
}
