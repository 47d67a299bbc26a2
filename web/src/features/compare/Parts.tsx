/** What every section of the comparison is made of. */
import { useId, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { classes } from '@/ui/classes';
import { Icon } from '@/ui/Icon';
import type { Difference } from './alignment';
import styles from './Parts.module.css';
import type { SideName } from './sides';

export function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const id = useId();
  return (
    <section className={styles['section']} aria-labelledby={id}>
      <h2 id={id} className={styles['title']}>
        {title}
      </h2>
      {children}
    </section>
  );
}

export function Letter({ side }: { readonly side: SideName }) {
  return <span className={styles['letter']}>{side.toUpperCase()}</span>;
}

/** The two sides of one thing; a side that has nothing leaves its place empty. */
export function Beside({ a, b }: { readonly a: ReactNode; readonly b: ReactNode }) {
  return (
    <div className={styles['beside']}>
      <Cell side="a">{a}</Cell>
      <Cell side="b">{b}</Cell>
    </div>
  );
}

function Cell({ side, children }: { readonly side: SideName; readonly children: ReactNode }) {
  if (children === null) return <div className={styles['empty']} />;
  return (
    <div className={styles['cell']}>
      <Letter side={side} />
      <div className={styles['content']}>{children}</div>
    </div>
  );
}

interface DifferenceLineProps<T> {
  /** What is compared; absent where the place says it. */
  readonly of?: string;
  readonly difference: Difference<T> | null;
  readonly words: (value: T) => string;
}

/** What differs, in words. */
export function DifferenceLine<T>({ of, difference, words }: DifferenceLineProps<T>) {
  const { t } = useTranslation('compare');
  if (difference === null) return null;
  if (difference.kind === 'changed') {
    return <ChangeLine {...(of !== undefined && { of })} from={words(difference.from)} to={words(difference.to)} />;
  }
  return (
    <p className={classes(styles['difference'], difference.kind !== 'same' && styles['differs'])}>
      {of !== undefined && <span className={styles['of']}>{of}</span>}
      {t(`difference.${difference.kind}`, { value: words(difference.value) })}
    </p>
  );
}

interface ChangeLineProps {
  readonly of?: string;
  readonly from: string;
  readonly to: string;
}

export function ChangeLine({ of, from, to }: ChangeLineProps) {
  const { t } = useTranslation('compare');
  return (
    <p className={classes(styles['difference'], styles['differs'])}>
      {of !== undefined && <span className={styles['of']}>{of}</span>}
      {t('difference.changed', { from, to })}
    </p>
  );
}

interface FoldableProps {
  readonly label: string;
  readonly startsOpen?: boolean;
  readonly children: ReactNode;
}

/** Long texts, which are rendered while they are open. */
export function Foldable({ label, startsOpen = false, children }: FoldableProps) {
  const [isOpen, setOpen] = useState(startsOpen);
  const id = useId();
  return (
    <div className={styles['foldable']}>
      <button
        type="button"
        className={styles['fold']}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name={isOpen ? 'down' : 'right'} />
        {label}
      </button>
      <div id={id} hidden={!isOpen}>
        {isOpen && children}
      </div>
    </div>
  );
}
