/** Giving deliberations titles: shown at once, taken back where the server refuses. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useBackend } from '@/live/backend';
import { listKey, listsKey } from '@/live/queryKeys';
import { useFailureWords } from '@/ui/Failure';
import { useToast } from '@/ui/Toasts';
import { retitled, type Item, type Pages } from './items';

interface Renaming {
  readonly item: Item;
  /** `null` takes the title away. */
  readonly title: string | null;
}

/** The title that a person's words ask for. */
export function titleFrom(words: string): string | null {
  const title = words.trim();
  return title === '' ? null : title;
}

export function useRename(): (renaming: Renaming) => void {
  const { t } = useTranslation(['history', 'common']);
  const { api, key } = useBackend();
  const queries = useQueryClient();
  const toast = useToast();
  const wordsOf = useFailureWords();
  const everyList = { queryKey: listsKey(key) };
  const show = ({ deliberationId }: Item, title: string | null) =>
    queries.setQueriesData<Pages>(
      { queryKey: listKey(key, 'history') },
      (pages) => pages && retitled(pages, deliberationId, title),
    );
  const { mutate } = useMutation({
    mutationFn: ({ item, title }: Renaming) => api.rename(item.deliberationId, title),
    onMutate: async ({ item, title }) => {
      // An answer that is on its way knows the old title.
      await queries.cancelQueries(everyList);
      show(item, title);
    },
    onError: (error, renaming) => {
      show(renaming.item, renaming.item.title ?? null);
      toast({
        text: t('rename.failed', { reason: wordsOf(error) }),
        action: { label: t('common:retry'), run: () => mutate(renaming) },
      });
    },
    onSettled: () => queries.invalidateQueries(everyList),
  });
  return mutate;
}
