import type { ReactNode } from 'react';
import { classes } from './classes';
import { Icon } from './Icon';
import styles from './Notice.module.css';

interface NoticeProps {
  readonly kind: 'info' | 'warning' | 'danger';
  readonly title?: ReactNode;
  readonly children?: ReactNode;
  /** Buttons at its end. */
  readonly actions?: ReactNode;
  /** `alert` interrupts a screen reader, `status` waits for it; absent: read where it stands. */
  readonly role?: 'alert' | 'status';
}

/** Something a person has to know, where it matters; told by mark and words, not by colour alone. */
export function Notice({ kind, title, children, actions, role }: NoticeProps) {
  return (
    <div className={classes(styles['notice'], styles[kind])} role={role}>
      <span className={styles['mark']}>
        <Icon name={kind === 'info' ? 'info' : 'warning'} />
      </span>
      <div className={styles['words']}>
        {title !== undefined && <p className={styles['title']}>{title}</p>}
        {children !== undefined && <div>{children}</div>}
      </div>
      {actions}
    </div>
  );
}
