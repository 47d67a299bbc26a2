/**
 * Deliberations that were deleted here. A row goes at once; the server hears of it when the time to undo is over.
 *
 * They are kept beside the lists, not in them, so that no answer of the server brings a row back; and in the query
 * cache, so that they outlast the page: the message with its undo goes on when the page is changed.
 */
import { skipToken, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useBackend } from '@/live/backend';
import { ApiProblem } from '@/transport/api';
import { useFailureWords } from '@/ui/Failure';
import { useToast } from '@/ui/Toasts';
import { isRunning, type Item } from './items';

/** `refused` is shown again, with the reason. */
export type Departure = { readonly kind: 'gone' } | { readonly kind: 'refused'; readonly error: unknown };
export type Departures = Readonly<Record<string, Departure>>;

const NONE: Departures = {};

/** The rows that are still to be seen. */
export function remaining(items: readonly Item[], departures: Departures): readonly Item[] {
  return items.filter((item) => departures[item.deliberationId]?.kind !== 'gone');
}

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
  const queryKey = ['departures', key];
  const { data: departures = NONE } = useQuery<Departures>({
    queryKey,
    queryFn: skipToken,
    staleTime: Infinity,
    gcTime: Infinity,
  });
  const mark = (id: string, departure: Departure | null) =>
    queries.setQueryData<Departures>(queryKey, (before = NONE) => {
      const others = Object.entries(before).filter(([other]) => other !== id);
      return Object.fromEntries(departure === null ? others : [...others, [id, departure]]);
    });
  const send = async (id: string) => {
    try {
      // The page may be on its way out.
      await api.forget(id, { keepalive: true });
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
