import { useState } from 'react';
import type { ItemRow } from './timelineItems';
import styles from './TimelineView.module.css';
import { detailsOf, titleOf, type Speaking } from './traceWords';

interface TimelineTableProps {
  readonly rows: readonly ItemRow[];
  readonly speaking: Speaking;
}

/** The same as the picture, to be read. Made only while it is open, because it changes as often as the picture. */
export function TimelineTable({ rows, speaking }: TimelineTableProps) {
  const { t } = speaking;
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={styles['asTable']} open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('trace:table.label')}</summary>
      {isOpen && (
        <div className={styles['scroll']} role="region" aria-label={t('trace:table.label')} tabIndex={0}>
          <table className={styles['table']}>
            <thead>
              <tr>
                <th scope="col">{t('trace:table.agent')}</th>
                <th scope="col">{t('trace:table.what')}</th>
                <th scope="col">{t('trace:table.details')}</th>
              </tr>
            </thead>
            <tbody>
              {rows.flatMap((row) =>
                row.items.map((item, place) => (
                  <tr key={`${row.key} ${place}`}>
                    <th scope="row">{row.name ?? t('trace:all')}</th>
                    <td>{titleOf(item, speaking)}</td>
                    <td>{detailsOf(item, speaking).join(' · ')}</td>
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
