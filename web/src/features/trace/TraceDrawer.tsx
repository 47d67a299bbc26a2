import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { useTranslation } from 'react-i18next';
import type { LiveDeliberation, Snapshot } from '@/live/live';
import { IconButton } from '@/ui/Button';
import { Panel } from '@/ui/Failure';
import { useCalmSnapshot } from './calm';
import { EventsView } from './EventsView';
import { FiguresView } from './FiguresView';
import { useAlone, useIsModal } from './modal';
import { TimelineView } from './TimelineView';
import styles from './TraceDrawer.module.css';

interface TraceDrawerProps {
  readonly live: LiveDeliberation;
  readonly onClose: () => void;
}

const VIEWS = ['timeline', 'figures', 'events'] as const;
type View = (typeof VIEWS)[number];

/** What happens underneath. The page beside it can be read and used; where there is no room beside it, it is modal. */
export function TraceDrawer({ live, onClose }: TraceDrawerProps) {
  const { t } = useTranslation(['trace', 'common']);
  const [view, setView] = useState<View>('timeline');
  const id = useId();
  const snapshot = useCalmSnapshot(live);
  const isModal = useIsModal();
  const heading = useFocus();
  useAlone(isModal);
  useEscape(onClose);
  return createPortal(
    <div
      className={styles['drawer']}
      role={isModal ? 'dialog' : 'complementary'}
      aria-modal={isModal || undefined}
      aria-labelledby={`${id}-title`}
    >
      <div className={styles['head']}>
        <h2 id={`${id}-title`} className={styles['title']} ref={heading} tabIndex={-1}>
          {t('trace:title')}
        </h2>
        <IconButton icon="close" label={t('trace:close')} small onClick={onClose} />
      </div>
      <Tabs id={id} view={view} onView={setView} />
      <div
        key={view}
        id={`${id}-panel`}
        className={styles['panel']}
        role="tabpanel"
        aria-labelledby={`${id}-${view}`}
        tabIndex={0}
      >
        <Panel resetKey={`${live.id} ${view}`}>
          <Content snapshot={snapshot}>
            {view === 'timeline' && <TimelineView snapshot={snapshot} />}
            {view === 'figures' && <FiguresView events={snapshot.events} />}
            {view === 'events' && <EventsView events={snapshot.events} id={live.id} />}
          </Content>
        </Panel>
      </div>
    </div>,
    // Beside `main`, which must not answer while the drawer covers it.
    document.body,
  );
}

function Content({ snapshot, children }: { readonly snapshot: Snapshot; readonly children: ReactNode }) {
  const { t } = useTranslation(['trace', 'common']);
  if (snapshot.events.length > 0) return children;
  const isComing = snapshot.connection.kind !== 'refused' && snapshot.connection.kind !== 'ended';
  return <p className={styles['empty']}>{t(isComing ? 'trace:noneYet' : 'trace:none')}</p>;
}

interface TabsProps {
  readonly id: string;
  readonly view: View;
  readonly onView: (view: View) => void;
}

function Tabs({ id, view, onView }: TabsProps) {
  const { t } = useTranslation('trace');
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const place = VIEWS.indexOf(view);
    const to = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: -1 }[event.key];
    const next = to === undefined ? undefined : VIEWS.at(to % VIEWS.length);
    if (next === undefined) return;
    event.preventDefault();
    onView(next);
    document.getElementById(`${id}-${next}`)?.focus();
  };
  return (
    <div className={styles['tabs']} role="tablist" aria-label={t('views')} onKeyDown={move}>
      {VIEWS.map((name) => (
        <button
          key={name}
          id={`${id}-${name}`}
          type="button"
          role="tab"
          className={styles['tab']}
          aria-selected={name === view}
          aria-controls={name === view ? `${id}-panel` : undefined}
          tabIndex={name === view ? 0 : -1}
          onClick={() => onView(name)}
        >
          {t(`view.${name}`)}
        </button>
      ))}
    </div>
  );
}

/** Takes the focus on opening and gives it back on closing, unless it has gone elsewhere in the meantime. */
function useFocus() {
  const heading = useRef<HTMLHeadingElement>(null);
  // What is made inert loses it before an effect could look.
  const [before] = useState(() => document.activeElement);
  useEffect(() => {
    const title = heading.current;
    const drawer = title?.closest(`.${styles['drawer']}`);
    title?.focus({ preventScroll: true });
    return () => {
      const active = document.activeElement;
      const isHere = active === null || active === document.body || drawer?.contains(active) === true;
      if (isHere && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [before]);
  return heading;
}

/** Wherever the focus is: the drawer covers a part of the page, which must come free without going there. */
function useEscape(onClose: () => void): void {
  useEffect(() => {
    const close = (event: globalThis.KeyboardEvent) => {
      const isElsewhere =
        event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]') !== null;
      if (event.key === 'Escape' && !isElsewhere) onClose();
    };
    document.addEventListener('keydown', close);
    return () => document.removeEventListener('keydown', close);
  }, [onClose]);
}
