// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Router } from 'wouter';
import { memoryLocation } from 'wouter/memory-location';
import { startLanguage } from '@/i18n/language';
import { BackendContext, type Backend } from '@/live/backend';
import { ApiProblem, type Api, type HistoryQuery } from '@/transport/api';
import { Announcer } from '@/ui/Announcer';
import { Toasts } from '@/ui/Toasts';
import { itemOf } from './fixtures';
import { HistoryPage } from './HistoryPage';
import type { Item } from './items';

const UNDO_MS = 8_000;
const refusal = new ApiProblem(503, { title: '', status: 503, code: 'records_unavailable', detail: 'No records now.' });

/** Two rows a page, in memory. */
class FakeApi {
  items: readonly Item[];
  readonly asked: HistoryQuery[] = [];
  readonly forgotten: unknown[] = [];
  readonly renamed: unknown[] = [];
  refuses = false;
  /** Lists are asked for and never answered. */
  isSilent = false;

  constructor(...items: readonly Item[]) {
    this.items = items;
  }

  readonly list: Api['list'] = (query) => {
    this.asked.push(query);
    if (this.isSilent) return new Promise(() => undefined);
    const from = Number(query.cursor ?? 0);
    const found = this.items.filter(({ question }) => question.includes(query.q ?? ''));
    const nextCursor = from + 2 < found.length ? String(from + 2) : null;
    return Promise.resolve({ items: found.slice(from, from + 2), nextCursor });
  };

  readonly forget: Api['forget'] = (id, options) => {
    this.forgotten.push([id, options]);
    if (this.refuses) return Promise.reject(refusal);
    this.items = this.items.filter(({ deliberationId }) => deliberationId !== id);
    return Promise.resolve();
  };

  readonly rename: Api['rename'] = (id, title) => {
    this.renamed.push([id, title]);
    if (this.refuses) return Promise.reject(refusal);
    this.items = this.items.map((item) => (item.deliberationId === id ? { ...item, title } : item));
    return Promise.resolve();
  };
}

let root: Root;
let queries: QueryClient;
let place: ReturnType<typeof memoryLocation> & { history: string[] };

async function settle(ms = 0) {
  await act(() => vi.advanceTimersByTimeAsync(ms));
  // What an answer sets off is told to the page by timers of its own.
  for (let turn = 0; turn < 3; turn += 1) await act(() => vi.advanceTimersByTimeAsync(1));
}

async function open(api: FakeApi, path = '/history') {
  place = memoryLocation({ path, record: true });
  queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const backend = { key: '0', name: '', kind: 'direct', api: api as unknown as Api } as unknown as Backend;
  const host = document.body.appendChild(document.createElement('div'));
  root = createRoot(host);
  act(() =>
    root.render(
      <QueryClientProvider client={queries}>
        <BackendContext value={backend}>
          <Router hook={place.hook}>
            <Announcer>
              <Toasts>
                <HistoryPage />
              </Toasts>
            </Announcer>
          </Router>
        </BackendContext>
      </QueryClientProvider>,
    ),
  );
  await settle();
}

const names = () => [...document.querySelectorAll('h3')].map((heading) => heading.textContent);

function control(name: string): HTMLElement {
  const all = [...document.querySelectorAll<HTMLElement>('button, a, input')];
  const found = all.find((one) => (one.getAttribute('aria-label') ?? one.textContent) === name);
  if (found === undefined) throw new Error(`no control is called ${name}`);
  return found;
}

async function press(name: string) {
  act(() => control(name).click());
  await settle();
}

async function type(field: HTMLInputElement, text: string) {
  act(() => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(field, text);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await settle();
}

beforeEach(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  await startLanguage('en');
  vi.useFakeTimers();
});

afterEach(() => {
  act(() => root.unmount());
  queries.clear();
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a deleted row', () => {
  test('goes at once, stays away after a refetch, and is deleted when the time to undo is over', async () => {
    const api = new FakeApi(itemOf('a'), itemOf('b'));
    await open(api);
    await press('Delete: Question a');
    expect(names()).toEqual(['Question b']);
    await act(() => queries.invalidateQueries());
    expect(names()).toEqual(['Question b']);
    expect(api.forgotten).toEqual([]);
    await settle(UNDO_MS);
    expect(api.forgotten).toEqual([['a', { keepalive: true }]]);
    expect(names()).toEqual(['Question b']);
  });

  test('comes back by undo, with the focus, and is not deleted', async () => {
    const api = new FakeApi(itemOf('a'), itemOf('b'));
    await open(api);
    await press('Delete: Question a');
    expect(document.activeElement?.textContent).toBe('Question b');
    await press('Undo');
    expect(names()).toEqual(['Question a', 'Question b']);
    expect(document.activeElement?.textContent).toBe('Question a');
    await settle(2 * UNDO_MS);
    expect(api.forgotten).toEqual([]);
  });

  test('comes back with the reason where the server refuses', async () => {
    const api = new FakeApi(itemOf('a'));
    api.refuses = true;
    await open(api);
    await press('Delete: Question a');
    expect(names()).toEqual([]);
    await settle(UNDO_MS);
    expect(names()).toEqual(['Question a']);
    expect(document.querySelector('li')?.textContent).toContain('No records now.');
  });

  test('is deleted when the page is left', async () => {
    const api = new FakeApi(itemOf('a'));
    await open(api);
    await press('Delete: Question a');
    act(() => void window.dispatchEvent(new Event('pagehide')));
    await settle();
    expect(api.forgotten).toEqual([['a', { keepalive: true }]]);
    await settle(2 * UNDO_MS);
    expect(api.forgotten).toHaveLength(1);
  });
});

describe('a renamed row', () => {
  async function rename(name: string, title: string) {
    await press(`Rename: ${name}`);
    const field = document.querySelector<HTMLInputElement>('li input[type="text"]');
    if (field === null) throw new Error('no field for the title');
    await type(field, title);
    await press('Save');
  }

  test('is called by its title; an empty one takes it away', async () => {
    const api = new FakeApi(itemOf('a'));
    await open(api);
    await rename('Question a', '  Billing ');
    expect(names()).toEqual(['Billing']);
    await rename('Billing', ' ');
    expect(names()).toEqual(['Question a']);
    expect(api.renamed).toEqual([
      ['a', 'Billing'],
      ['a', null],
    ]);
  });

  test('takes its old title back where the server refuses, and says why', async () => {
    const api = new FakeApi(itemOf('a', { title: 'Old' }));
    await open(api);
    api.refuses = true;
    // So that no fresh answer of the server takes the new title away.
    api.isSilent = true;
    await rename('Old', 'New');
    expect(api.renamed).toEqual([['a', 'New']]);
    expect(names()).toEqual(['Old']);
    expect(document.body.textContent).toContain('The title was not saved. No records now.');
  });
});

describe('the list', () => {
  test('goes on with the next page by its button', async () => {
    const api = new FakeApi(itemOf('a'), itemOf('b'), itemOf('c'));
    await open(api);
    expect(names()).toEqual(['Question a', 'Question b']);
    await press('Show more');
    expect(names()).toEqual(['Question a', 'Question b', 'Question c']);
    expect(document.body.textContent).not.toContain('Show more');
  });

  test('searches when the typing pauses, and keeps the words in the address', async () => {
    const api = new FakeApi(itemOf('a'), itemOf('b'));
    await open(api);
    const box = document.querySelector<HTMLInputElement>('input[type="search"]');
    if (box === null) throw new Error('no search box');
    await type(box, 'Question');
    await type(box, 'Question b ');
    await settle(280);
    expect(api.asked).toHaveLength(1);
    await settle(20);
    expect(names()).toEqual(['Question b']);
    expect(api.asked.map(({ q }) => q)).toEqual([undefined, 'Question b']);
    expect(place.history).toEqual(['/history?q=Question+b']);
    expect(box.value).toBe('Question b ');
  });

  test('that finds nothing offers to clear the filters, the search box too', async () => {
    const api = new FakeApi(itemOf('a'));
    await open(api, '/history?q=nothing&decision=REJECTED');
    expect(document.body.textContent).toContain('Nothing was found.');
    await press('Clear search and filters');
    expect(names()).toEqual(['Question a']);
    expect(document.querySelector<HTMLInputElement>('input[type="search"]')?.value).toBe('');
  });

  test('is asked for again while something runs, until it has ended', async () => {
    const api = new FakeApi(itemOf('a', { status: 'running', outcome: null, decision: null, confidence: null }));
    await open(api);
    expect(document.body.textContent).toContain('Running');
    api.items = [itemOf('a')];
    await settle(4_000);
    expect(document.body.textContent).not.toContain('Running');
    const times = api.asked.length;
    await settle(60_000);
    expect(api.asked).toHaveLength(times);
  });
});

describe('the selection', () => {
  test('compares two, the older first, and no third', async () => {
    const api = new FakeApi(itemOf('a'), itemOf('c'), itemOf('b', { startedAt: '2026-01-01T00:00:00.000Z' }));
    await open(api);
    await press('Show more');
    await press('Select to compare: Question a');
    await press('Select to compare: Question b');
    expect(control('Compare').getAttribute('href')).toBe('/compare?a=b&b=a');
    expect(control('Select to compare: Question c')).toHaveProperty('disabled', true);
  });
});
