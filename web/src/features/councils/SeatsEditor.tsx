import { useId, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { useTranslation } from 'react-i18next';
import { useAnnounce } from '@/ui/Announcer';
import { Button } from '@/ui/Button';
import { Notice } from '@/ui/Notice';
import { BOUNDS } from './council';
import styles from './councils.module.css';
import { changedSeat, movedSeat, withoutSeat, withSeat, withSeatBack, type SeatForm } from './form';
import { SeatFields } from './SeatFields';
import type { CouncilFormState } from './useCouncilForm';

/** Who sits in the council, in their order. */
export function SeatsEditor({ state }: { readonly state: CouncilFormState }) {
  const { t } = useTranslation('councils');
  const { agents } = state.form;
  const modelsId = useId();
  const { add, list, move, nameOf, remove, removed, undo, undoing } = useSeating(state);
  const error = state.errorOf('agents');
  return (
    <section className={styles['section']} aria-label={t('edit.agents')}>
      <h2 className={styles['sectionTitle']}>{t('edit.agents')}</h2>
      <p className={styles['hint']}>{t('edit.agentsHint')}</p>
      {error !== undefined && <Notice kind="danger" title={error} />}
      <ol ref={list} className={styles['seatForms']}>
        {agents.map((seat, at) => (
          <li key={seat.key}>
            <SeatFields
              state={state}
              seat={seat}
              at={at}
              modelsId={modelsId}
              onChange={(change, fields) =>
                state.change(
                  (before) => changedSeat(before, seat.key, change),
                  fields.map((name) => `agents.${at}.${name}`),
                )
              }
              onMove={(by) => move(seat, at, by)}
              onRemove={() => remove(seat, at)}
            />
          </li>
        ))}
      </ol>
      {removed !== null && (
        <p className={styles['removed']}>
          <span role="status">{t('edit.removed', { name: nameOf(removed) })}</span>
          <Button ref={undoing} small onClick={undo}>
            {t('undo', { ns: 'common' })}
          </Button>
        </p>
      )}
      <div>
        <Button icon="plus" disabled={agents.length >= BOUNDS.seats} onClick={add}>
          {t('edit.add')}
        </Button>
      </div>
    </section>
  );
}

/** Adding, removing and moving, with the focus left where the work goes on. */
function useSeating(state: CouncilFormState) {
  const { t } = useTranslation('councils');
  const announce = useAnnounce();
  const list = useRef<HTMLOListElement>(null);
  const undoing = useRef<HTMLButtonElement>(null);
  const [removed, setRemoved] = useState<{ readonly seat: SeatForm; readonly at: number } | null>(null);
  const nameOf = (seat: SeatForm) => seat.name.trim() || seat.agentId || t('edit.unnamed');
  const focusIn = (at: number, selector: string) =>
    list.current?.children[at]?.querySelector<HTMLElement>(selector)?.focus();

  const add = () => {
    flushSync(() => state.change((before) => withSeat(before)));
    focusIn(state.form.agents.length, 'input');
  };
  const remove = (seat: SeatForm, at: number) => {
    flushSync(() => {
      state.change((before) => withoutSeat(before, seat.key));
      setRemoved({ seat, at });
    });
    undoing.current?.focus();
  };
  const undo = () => {
    if (removed === null) return;
    flushSync(() => {
      state.change((before) => withSeatBack(before, removed.seat, removed.at));
      setRemoved(null);
    });
    focusIn(removed.at, 'input');
  };
  const move = (seat: SeatForm, at: number, by: -1 | 1) => {
    flushSync(() => state.change((before) => movedSeat(before, seat.key, by)));
    // The button that was pressed may be at its end now; then its counterpart takes over.
    const moved = list.current?.children[at + by];
    const button =
      moved?.querySelector<HTMLElement>(`[data-move="${by}"]:not(:disabled)`) ??
      moved?.querySelector<HTMLElement>('[data-move]:not(:disabled)');
    button?.focus();
    announce(t('edit.moved', { name: nameOf(seat), n: at + by + 1, total: state.form.agents.length }));
  };
  return { add, list, move, nameOf, remove, removed: removed?.seat ?? null, undo, undoing };
}
