import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useBackend } from '@/live/backend';
import { remaining } from '@/live/departures';
import { useAnnounce } from '@/ui/Announcer';
import { Panel } from '@/ui/Failure';
import { CompareBar } from './CompareBar';
import { useDeletion } from './departures';
import { ExportDialog } from './ExportDialog';
import { FilterBar } from './FilterBar';
import { isNarrowed, UNFILTERED, useFilters, writeFilters } from './filters';
import { HistoryList } from './HistoryList';
import styles from './HistoryPage.module.css';
import { itemsOf, neighbour, type Item } from './items';
import { useHistoryList } from './list';
import { useRename } from './renaming';
import type { RowActions } from './Row';

export function HistoryPage() {
  const { key } = useBackend();
  // What is selected or half written belongs to one backend.
  return <History key={key} />;
}

function History() {
  const { t } = useTranslation('history');
  const [filters, change] = useFilters();
  const list = useHistoryList(filters);
  const { departures, remove, dismiss } = useDeletion();
  const rename = useRename();
  const [selected, setSelected] = useState<readonly Item[]>([]);
  const [exported, setExported] = useState<Item | null>(null);
  const items = remaining(itemsOf(list.data), departures);
  const focusRow = useRowFocus(items);
  useFoundAnnouncement(writeFilters(filters), list.isPending || list.isPlaceholderData, items.length);

  const drop = ({ deliberationId }: Item) =>
    setSelected((before) => before.filter((item) => item.deliberationId !== deliberationId));
  const actions: RowActions = {
    onSelect: (item, isSelected) => (isSelected ? setSelected((before) => [...before, item].slice(0, 2)) : drop(item)),
    onRename: (item, title) => rename({ item, title }),
    onExport: setExported,
    onDelete: (item) => {
      drop(item);
      focusRow(neighbour(items, item.deliberationId));
      remove(item, focusRow);
    },
    onDismiss: (id) => {
      dismiss(id);
      focusRow(id);
    },
  };
  return (
    <div className={styles['page']}>
      <h1 className={styles['title']} tabIndex={-1} data-history-title="">
        {t('title')}
      </h1>
      <FilterBar filters={filters} onChange={change} />
      <Panel>
        <HistoryList
          {...{ list, items, departures, selected, actions }}
          onClear={isNarrowed(filters) ? () => change(UNFILTERED) : null}
        />
      </Panel>
      <CompareBar selected={selected} onDrop={drop} onClear={() => setSelected([])} />
      {exported !== null && <ExportDialog item={exported} onClose={() => setExported(null)} />}
    </div>
  );
}

/** Gives the function that puts the focus on a row's link once that row stands; `null` puts it on the page's title. */
function useRowFocus(items: readonly Item[]): (id: string | null) => void {
  const wanted = useRef<{ readonly id: string | null } | null>(null);
  const [, look] = useState(0);
  useEffect(() => {
    if (wanted.current === null) return;
    const { id } = wanted.current;
    const rows = [...document.querySelectorAll<HTMLElement>('[data-deliberation]')];
    const place =
      id === null
        ? document.querySelector<HTMLElement>('[data-history-title]')
        : rows.find((row) => row.dataset['deliberation'] === id)?.querySelector('a');
    if (place == null) return;
    wanted.current = null;
    place.focus();
  }, [items]);
  return (id) => {
    wanted.current = { id };
    look((n) => n + 1);
  };
}

/** Tells a screen reader what a search found; the rows themselves tell who sees them. */
function useFoundAnnouncement(asked: string, isWaiting: boolean, n: number) {
  const { t } = useTranslation('history');
  const announce = useAnnounce();
  const told = useRef(asked);
  useEffect(() => {
    if (isWaiting || told.current === asked) return;
    told.current = asked;
    announce(n === 0 ? t('empty.notFound') : t('found', { n }));
  }, [asked, isWaiting, n, announce, t]);
}
