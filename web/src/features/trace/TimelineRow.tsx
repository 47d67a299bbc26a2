import type { CSSProperties } from 'react';
import { classes } from '@/ui/classes';
import { Icon, type IconName } from '@/ui/Icon';
import type { MarkKind } from './timeline';
import { shiftsOf, type Item, type ItemRow } from './timelineItems';
import { patternOf } from './TimelineLegend';
import styles from './TimelineView.module.css';
import { detailsOf, titleOf, type Speaking } from './traceWords';

type MarkItem = Extract<Item, { type: 'mark' }>;

interface RowProps {
  readonly id: string;
  readonly row: ItemRow;
  readonly untilMs: number;
  readonly current: number | null;
  readonly onCurrent: (item: number) => void;
  readonly speaking: Speaking;
}

/** What a mark is drawn as; votes and verdicts in their agent's own form. */
const MARKS: Record<Exclude<MarkKind, 'vote' | 'verdict'>, IconName> = {
  begun: 'right',
  again: 'retry',
  retry: 'retry',
  repair: 'edit',
  throttle: 'clock',
  timeout: 'clock',
  failure: 'warning',
  ended: 'stop',
  recovery: 'retry',
  action: 'more',
  over: 'end',
};
/** What happens in every lane is a tick; what does not is a mark to be seen. */
const QUIET: ReadonlySet<MarkKind> = new Set(['begun', 'ended', 'over']);
const FAULTS: ReadonlySet<MarkKind> = new Set(['retry', 'repair', 'throttle', 'timeout', 'failure', 'recovery']);

export function Row({ id, row, untilMs, current, onCurrent, speaking }: RowProps) {
  const { look, items } = row;
  const name = row.name ?? speaking.t('trace:all');
  const spans = items.flatMap((item, place) => (item.type === 'span' ? [{ item, place }] : []));
  const marks = items.flatMap((item, place) => (item.type === 'mark' ? [{ item, place }] : []));
  const shifts = shiftsOf(
    marks.filter(({ item }) => !isTick(item)).map(({ item, place }) => ({ place, at: item.fromMs / untilMs })),
  );
  const option = (item: Item, place: number) => ({
    id: `${id}-${place}`,
    role: 'option',
    'aria-selected': place === current,
    // Whole sentences of hundreds of items, several times a second, would take longer than drawing them.
    'aria-label': [titleOf(item, speaking), ...(place === current ? detailsOf(item, speaking) : [])].join(', '),
    onPointerEnter: () => onCurrent(place),
    onClick: () => onCurrent(place),
  });
  return (
    <div
      className={styles['row']}
      role="group"
      aria-label={name}
      style={{ '--agent': look?.colour ?? 'var(--ink-soft)' } as CSSProperties}
    >
      <span className={styles['name']} aria-hidden="true">
        <span className={styles['form']}>{look !== null && <Icon name={look.icon} size="0.875rem" />}</span>
        <span className={styles['words']}>{name}</span>
      </span>
      <div className={styles['track']} role="presentation">
        <svg className={styles['spans']} role="presentation" focusable="false">
          {spans.map(({ item, place }) => (
            <g
              key={place}
              {...option(item, place)}
              className={classes(styles['span'], place === current && styles['current'])}
            >
              <Bar item={item} untilMs={untilMs} />
            </g>
          ))}
        </svg>
        {marks.map(({ item, place }) => {
          const { kind } = item.mark;
          const isQuiet = isTick(item);
          return (
            <span
              key={place}
              {...option(item, place)}
              className={classes(
                styles['mark'],
                isQuiet && styles['quiet'],
                FAULTS.has(kind) && styles['fault'],
                (kind === 'vote' || kind === 'verdict') && styles['vote'],
                place === current && styles['current'],
              )}
              style={{ '--at': item.fromMs / untilMs, '--shift': shifts.get(place) ?? 0 } as CSSProperties}
            >
              {!isQuiet && <Icon name={markOf(kind, look?.icon)} size="0.75rem" />}
            </span>
          );
        })}
      </div>
    </div>
  );
}

function Bar({ item, untilMs }: { readonly item: Extract<Item, { type: 'span' }>; readonly untilMs: number }) {
  const { kind, isVoid } = item.span;
  const x = `${(100 * item.fromMs) / untilMs}%`;
  // One token alone takes no time, and is still to be seen.
  const width = `${Math.max(0.4, (100 * (item.toMs - item.fromMs)) / untilMs)}%`;
  const box = kind === 'silence' ? { x, width, y: 11, height: 2 } : { x, width, y: 3, height: 18 };
  return (
    <>
      <rect {...box} className={classes(styles['bar'], styles[kind], isVoid && styles['void'])} />
      {patternOf(kind) !== null && (
        <rect {...box} className={styles['pattern']} fill={`url(#${patternOf(kind) ?? ''})`} />
      )}
    </>
  );
}

function isTick({ mark }: MarkItem): boolean {
  return QUIET.has(mark.kind) || mark.trace?.action === 'model_call';
}

function markOf(kind: MarkKind, form: IconName | undefined): IconName {
  return kind === 'vote' || kind === 'verdict' ? (form ?? 'other') : MARKS[kind];
}
