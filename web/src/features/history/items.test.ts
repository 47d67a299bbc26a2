import { describe, expect, test } from 'vitest';
import { beginning } from '@/ui/beginning';
import { itemOf, pagesOf } from './fixtures';
import { inOrder, itemsOf, nameOf, neighbour, retitled } from './items';
import { refreshAfter } from './list';

describe('a row', () => {
  test('is called by its title, else by its question', () => {
    expect(nameOf(itemOf('a', { question: 'Why?', title: 'Reasons' }))).toBe('Reasons');
    expect(nameOf(itemOf('a', { question: 'Why?', title: ' ' }))).toBe('Why?');
    expect(nameOf(itemOf('a', { question: 'Why?', title: null }))).toBe('Why?');
  });

  test('shows no half characters of a long question', () => {
    expect(beginning('ab😀', 3)).toBe('ab…');
    expect(beginning('ab😀', 4)).toBe('ab😀');
    expect(beginning('ab😀c', 4)).toBe('ab😀…');
  });

  test('takes another title and leaves the others theirs', () => {
    const pages = pagesOf([itemOf('a', { title: '1' })], [itemOf('b', { title: '2' })]);
    expect(itemsOf(retitled(pages, 'b', null)).map(({ title }) => title)).toEqual(['1', null]);
  });

  test('that leaves gives the focus to the next one, else to the one before', () => {
    const items = [itemOf('a'), itemOf('b'), itemOf('c')];
    expect(neighbour(items, 'b')).toBe('c');
    expect(neighbour(items, 'c')).toBe('b');
    expect(neighbour(items.slice(0, 1), 'a')).toBeNull();
  });

  test('is compared with the older one first', () => {
    const [old, young] = [itemOf('z', { startedAt: '2026-01-01T00:00:00.000Z' }), itemOf('a')];
    expect(inOrder(young, old)).toEqual([old, young]);
    expect(inOrder(old, young)).toEqual([old, young]);
  });
});

describe('the list', () => {
  test('is asked for again while something runs, and the later the longer it is', () => {
    expect(refreshAfter(pagesOf([itemOf('a')]))).toBe(false);
    expect(refreshAfter(undefined)).toBe(false);
    const running = itemOf('b', { status: 'running' });
    expect(refreshAfter(pagesOf([running], [itemOf('a')]))).toBe(8_000);
  });
});
