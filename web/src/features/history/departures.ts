/** Deleting deliberations: they leave the lists at once, and the server hears of it when the time to undo is over. */
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useBackend } from '@/live/backend';
import { NO_DEPARTURES, useDepartures, type Departure, type Departures } from '@/live/departures';
import { departuresKey, listsKey } from '@/live/queryKeys';
import { ApiProblem } from '@/transport/api';
import { useFailureWords } from '@/ui/Failure';
import { useToast } from '@/ui/Toasts';
import { isRunning, type Item } from './items';

/** What the server's refusal means for the row: one that is deleted already has not come back. */
export function refusal(error: unknown): Departure {
  const isGone = error instanceof ApiProblem && error.problem.code === 'deliberation_not_found';
  return isGone ? { kind: 'gone' } : { kind: 'refused', error };
}

interface Deletion {
  readonly departures: Departures;
  readonly remove: (item: Item, onUndone: (id: string) => void) => void;
  /** Takes the reason of a refusal away. */
  readonly dismiss: (id: string) => void;
}

export function useDeletion(): Deletion {
  const { t } = useTranslation(['history', 'common']);
  const { api, key } = useBackend();
  const queries = useQueryClient();
  const toast = useToast();
  const wordsOf = useFailureWords();
  const departures = useDepartures();
  const mark = (id: string, departure: Departure | null) =>
    queries.setQueryData<Departures>(departuresKey(key), (before = NO_DEPARTURES) => {
      const others = Object.entries(before).filter(([other]) => other !== id);
      return Object.fromEntries(departure === null ? others : [...others, [id, departure]]);
    });
  const send = async (id: string) => {
    try {
      // The page may be on its way out.
      await api.forget(id, { keepalive: true });
      // Another one moves up into the place that is free.
      void queries.invalidateQueries({ queryKey: listsKey(key) });
    } catch (error) {
      const departure = refusal(error);
      mark(id, departure);
      // The row says it too, but another page may be shown by now.
      if (departure.kind === 'refused') toast({ text: t('refused', { reason: wordsOf(error) }) });
    }
  };
  const remove = (item: Item, onUndone: (id: string) => void) => {
    const id = item.deliberationId;
    mark(id, { kind: 'gone' });
    const undo = () => {
      mark(id, null);
      onUndone(id);
    };
    toast({
      text: t(isRunning(item) ? 'deletedRunning' : 'deleted'),
      action: { label: t('common:undo'), run: undo },
      onExpire: () => void send(id),
    });
  };
  return { departures, remove, dismiss: (id) => mark(id, null) };
}
