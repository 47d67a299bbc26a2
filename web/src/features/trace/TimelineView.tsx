import { useEffect, useId, useMemo, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Snapshot } from '@/live/live';
import { useFormats } from '@/ui/format';
import { Icon } from '@/ui/Icon';
import { CALM_MS } from './calm';
import { timeline } from './timeline';
import { itemRows, moved, seqOf, ticksOf, type Item, type ItemRow, type Place } from './timelineItems';
import { Legend, Patterns } from './TimelineLegend';
import { Row } from './TimelineRow';
import { TimelineTable } from './TimelineTable';
import styles from './TimelineView.module.css';
import { axisTime, detailsOf, titleOf, type Speaking } from './traceWords';

export function TimelineView({ snapshot }: { readonly snapshot: Snapshot }) {
  const { events, connection } = snapshot;
  const drawn = useMemo(() => timeline(events), [events]);
  const untilMs = useUntil(drawn.lastMs, !drawn.isOver && connection.kind === 'open');
  const rows = useMemo(() => itemRows(drawn, untilMs), [drawn, untilMs]);
  const [place, setPlace] = useState<Place | null>(null);
  const speaking = useSpeaking();
  const item = place === null ? undefined : rows[place.row]?.items[place.item];
  return (
    <div className={styles['view']}>
      <Patterns />
      <Chart rows={rows} untilMs={Math.max(untilMs, 1)} place={place} onPlace={setPlace} speaking={speaking} />
      <Detail item={item} row={place === null ? undefined : rows[place.row]} speaking={speaking} />
      <Legend rows={rows} />
      <TimelineTable rows={rows} speaking={speaking} />
    </div>
  );
}

interface ChartProps {
  readonly rows: readonly ItemRow[];
  readonly untilMs: number;
  readonly place: Place | null;
  readonly onPlace: (place: Place | null) => void;
  readonly speaking: Speaking;
}

function Chart({ rows, untilMs, place, onPlace, speaking }: ChartProps) {
  const id = useId();
  const { t } = speaking;
  const move = (event: KeyboardEvent) => {
    const next = event.ctrlKey || event.altKey || event.metaKey ? null : moved(rows, place, event.key);
    if (next === null) return;
    event.preventDefault();
    onPlace(next);
  };
  const shown = place !== null && rows[place.row]?.items[place.item] !== undefined ? place : null;
  return (
    <div
      className={styles['chart']}
      role="listbox"
      tabIndex={0}
      aria-label={t('trace:timelineLabel')}
      aria-activedescendant={shown === null ? undefined : `${id}-${shown.row}-${shown.item}`}
      onKeyDown={move}
      onFocus={() => {
        if (shown === null) onPlace(moved(rows, null, 'ArrowRight'));
      }}
    >
      {rows.map((row, index) => (
        <Row
          key={row.key}
          id={`${id}-${index}`}
          row={row}
          untilMs={untilMs}
          current={shown?.row === index ? shown.item : null}
          onCurrent={(item) => onPlace({ row: index, item })}
          speaking={speaking}
        />
      ))}
      <div className={styles['axis']} aria-hidden="true">
        {ticksOf(untilMs).map((atMs) => (
          <span key={atMs} className={styles['tick']} style={{ left: `${(100 * atMs) / untilMs}%` }}>
            {axisTime(atMs, untilMs)}
          </span>
        ))}
      </div>
    </div>
  );
}

interface DetailProps {
  readonly item: Item | undefined;
  readonly row: ItemRow | undefined;
  readonly speaking: Speaking;
}

function Detail({ item, row, speaking }: DetailProps) {
  const { t } = speaking;
  if (item === undefined || row === undefined) return <p className={styles['detail']}>{t('trace:hint')}</p>;
  return (
    <div className={styles['detail']} data-seq={seqOf(item)}>
      <p className={styles['what']}>
        {row.look !== null && (
          <span className={styles['form']} style={{ color: row.look.colour }}>
            <Icon name={row.look.icon} size="0.875rem" />
          </span>
        )}
        {row.name ?? t('trace:all')}: {titleOf(item, speaking)}
      </p>
      <p>{detailsOf(item, speaking).join(' · ')}</p>
    </div>
  );
}

function useSpeaking(): Speaking {
  const { t, i18n } = useTranslation(['trace', 'common']);
  const formats = useFormats();
  return useMemo(() => ({ t, i18n, formats }), [t, i18n, formats]);
}

/** The time up to which is drawn: the last event's, and while more is to come, what has passed on this page since. */
function useUntil(lastMs: number, isRunning: boolean): number {
  const [passed, setPassed] = useState({ lastMs, ms: 0 });
  useEffect(() => {
    if (!isRunning) return undefined;
    const since = performance.now();
    const timer = setInterval(() => setPassed({ lastMs, ms: performance.now() - since }), CALM_MS);
    return () => clearInterval(timer);
  }, [lastMs, isRunning]);
  return isRunning && passed.lastMs === lastMs ? lastMs + passed.ms : lastMs;
}
