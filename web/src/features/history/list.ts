/** The pages of the history as they are asked for. */
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useBackend } from '@/live/backend';
import { listKey } from '@/live/queryKeys';
import { queryOf, type Filters } from './filters';
import { isRunning, itemsOf, type Pages } from './items';

const REFRESH_MS = 4_000;

/** How soon to ask again: while something runs, and the later the more pages there are to ask for. */
export function refreshAfter(pages: Pages | undefined): number | false {
  return itemsOf(pages).some(isRunning) ? REFRESH_MS * (pages?.pages.length ?? 1) : false;
}

export function useHistoryList(filters: Filters) {
  const { api, key } = useBackend();
  return useInfiniteQuery({
    queryKey: [...listKey(key, 'history'), filters],
    queryFn: ({ pageParam, signal }) => api.list(queryOf(filters, pageParam), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => refreshAfter(query.state.data),
  });
}

export type HistoryList = ReturnType<typeof useHistoryList>;
