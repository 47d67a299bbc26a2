import type { ReactNode } from 'react';
import { classes } from './classes';
import styles from './Decision.module.css';
import { Icon, type IconName } from './Icon';

interface MarkProps {
  readonly tone: 'neutral' | 'warning' | 'danger';
  readonly icon: IconName;
  readonly children: ReactNode;
}

const STYLES = { neutral: 'abstained', warning: 'warning', danger: 'rejected' } as const;

/** A state that is neither a decision nor an outcome, in their form: mark, word and colour. */
export function Mark({ tone, icon, children }: MarkProps) {
  return (
    <span className={classes(styles['mark'], styles[STYLES[tone]])}>
      <Icon name={icon} />
      {children}
    </span>
  );
}
