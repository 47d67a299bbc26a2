/** What the tests of this folder have in common. */
import type { Item, Pages } from './items';

export function itemOf(id: string, part: Partial<Item> = {}): Item & { readonly title?: string | null } {
  return {
    deliberationId: id,
    sessionId: 's',
    question: `Question ${id}`,
    title: null,
    mode: 'deliberate',
    council: 'magi',
    status: 'complete',
    outcome: 'decided',
    decision: 'APPROVED',
    confidence: 0.7,
    startedAt: '2026-03-14T10:00:00.000Z',
    endedAt: '2026-03-14T10:00:20.000Z',
    summary: null,
    ...part,
  };
}

export function pagesOf(...pages: readonly (readonly Item[])[]): Pages {
  return {
    pages: pages.map((items) => ({ items, nextCursor: null })),
    pageParams: pages.map(() => null),
  };
}
