import { useTranslation } from 'react-i18next';
import { classes } from '@/ui/classes';
import { SPAN_KINDS, type SpanKind } from './timeline';
import type { ItemRow } from './timelineItems';
import styles from './TimelineView.module.css';

/** The strokes over a kind's colour, on a tile of 6; so that colour is never all that tells kinds apart. */
const STROKES: Partial<Record<SpanKind, string>> = {
  wait: 'M1 3h1.5',
  thinking: 'M-1 7 7-1M-1 1 1-1M5 7 7 5',
  ballot: 'M0 0 6 6M6 0 0 6',
  throttle: 'M1 0v6M4 0v6',
  repair: 'M-1-1 7 7M5-1 7 1M-1 5 1 7',
  recovery: 'M0 3h6',
  mixed: 'M0 1.5h3M3 4.5h3',
};

/** The id of a kind's pattern in the page; null where it is plain. */
export function patternOf(kind: SpanKind): string | null {
  return STROKES[kind] === undefined ? null : `trace-${kind}`;
}

/** The patterns that bars refer to. */
export function Patterns() {
  return (
    <svg className={styles['patterns']} aria-hidden="true" focusable="false">
      <defs>
        {SPAN_KINDS.map((kind) => {
          const id = patternOf(kind);
          return (
            id !== null && (
              <pattern key={kind} id={id} width="6" height="6" patternUnits="userSpaceOnUse">
                <path d={STROKES[kind]} className={classes(styles['stroke'], kind === 'wait' && styles['dark'])} />
              </pattern>
            )
          );
        })}
      </defs>
    </svg>
  );
}

/** What the patterns mean; only of those that are there. */
export function Legend({ rows }: { readonly rows: readonly ItemRow[] }) {
  const { t } = useTranslation('trace');
  const present = new Set(
    rows.flatMap(({ items }) => items.map((item) => (item.type === 'span' ? item.span.kind : null))),
  );
  const kinds = SPAN_KINDS.filter((kind) => present.has(kind));
  return (
    <ul className={styles['legend']} aria-label={t('legend')}>
      {kinds.map((kind) => {
        const id = patternOf(kind);
        const box = kind === 'silence' ? { y: 6, height: 2 } : { y: 1, height: 12 };
        return (
          <li key={kind}>
            <svg className={styles['swatch']} aria-hidden="true" focusable="false">
              <rect x="1" width="22" {...box} className={classes(styles['bar'], styles[kind])} />
              {id !== null && <rect x="1" width="22" {...box} fill={`url(#${id})`} />}
            </svg>
            {t(`span.${kind}`)}
          </li>
        );
      })}
    </ul>
  );
}
