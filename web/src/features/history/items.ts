/** The rows of the history: what they are called, and how a list of them changes in place. */
import type { InfiniteData } from '@tanstack/react-query';
import type { HistoryItem, HistoryPage } from '@/protocol/types';
import { beginning } from '@/ui/beginning';

/** `title` is what a person called it; servers before titles leave it out. */
export type Item = HistoryItem & { readonly title?: string | null };
export type Pages = InfiniteData<HistoryPage>;

/** More than two lines of the widest page hold; a question may have 32,000 characters. */
export const SHOWN_CHARS = 400;

/** What a row is called: its title, else its question. */
export function nameOf(item: Item): string {
  const title = item.title?.trim() ?? '';
  return beginning(title === '' ? item.question : title, SHOWN_CHARS);
}

/** A log that has begun or is about to, and has not ended. */
export function isRunning(item: Item): boolean {
  return item.status === 'running' || item.status === 'empty';
}

export function itemsOf(pages: Pages | undefined): readonly Item[] {
  return pages?.pages.flatMap((page) => page.items) ?? [];
}

/** Gives the pages with another title on one row. */
export function retitled(pages: Pages, id: string, title: string | null): Pages {
  const change = (item: Item): Item => (item.deliberationId === id ? { ...item, title } : item);
  return { ...pages, pages: pages.pages.map((page) => ({ ...page, items: page.items.map(change) })) };
}

/** The row that takes the focus when `id` leaves the list: the next one, else the one before. */
export function neighbour(items: readonly Item[], id: string): string | null {
  const place = items.findIndex((item) => item.deliberationId === id);
  return (items[place + 1] ?? items[place - 1])?.deliberationId ?? null;
}

/** The pair that is compared, the older one first, so that what changed reads forward in time. */
export function inOrder(a: Item, b: Item): readonly [Item, Item] {
  return a.startedAt <= b.startedAt ? [a, b] : [b, a];
}
