// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Router } from 'wouter';
import { memoryLocation } from 'wouter/memory-location';
import { startLanguage } from '@/i18n/language';
import { BackendContext, type Backend } from '@/live/backend';
import { departuresKey } from '@/live/queryKeys';
import type { HistoryItem } from '@/protocol/types';
import { Unreachable } from '@/transport/api';
import { Recents } from './Recents';

let root: Root | null = null;
let queries: QueryClient;
let list: () => Promise<{ items: readonly HistoryItem[]; nextCursor: null }>;

function itemOf(deliberationId: string) {
  const question = `Q ${deliberationId}`;
  const startedAt = '2026-03-14T10:00:00.000Z';
  return { deliberationId, question, status: 'complete', decision: null, outcome: null, startedAt } as HistoryItem;
}

const answer = (...items: readonly HistoryItem[]) => Promise.resolve({ items, nextCursor: null });
const text = () => document.body.textContent;

async function settle() {
  for (let turn = 0; turn < 3; turn += 1) await act(() => new Promise((resolve) => setTimeout(resolve, 0)));
}

async function open() {
  act(() => root?.unmount());
  root = createRoot(document.body.appendChild(document.createElement('div')));
  const backend = { key: '0', api: { list: () => list() } } as unknown as Backend;
  act(() =>
    root?.render(
      <QueryClientProvider client={queries}>
        <BackendContext value={backend}>
          <Router hook={memoryLocation({ path: '/' }).hook}>
            <Recents />
          </Router>
        </BackendContext>
      </QueryClientProvider>,
    ),
  );
  await settle();
}

beforeEach(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  queries = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 60_000 } } });
  await startLanguage('en');
});

afterEach(() => {
  act(() => root?.unmount());
  root = null;
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

test('what is being deleted is left out, and comes back by undo', async () => {
  list = () => answer(itemOf('a'), itemOf('b'));
  await open();
  act(() => void queries.setQueryData(departuresKey('0'), { a: { kind: 'gone' } }));
  await settle();
  expect(text()).not.toContain('Q a');
  expect(text()).toContain('Q b');
  act(() => void queries.setQueryData(departuresKey('0'), {}));
  await settle();
  expect(text()).toContain('Q a');
});

test('a failure stands beside what is known, and the page asks again whenever it is opened', async () => {
  list = () => answer(itemOf('a'));
  await open();
  list = () => Promise.reject(new Unreachable('gone'));
  await open();
  expect(text()).toContain('Q a');
  expect(document.querySelector('[role="alert"]')).not.toBeNull();
  list = () => answer(itemOf('b'));
  await open();
  expect(text()).toContain('Q b');
  expect(document.querySelector('[role="alert"]')).toBeNull();
});

test('that there are none is not said while the server does not answer', async () => {
  list = () => answer();
  await open();
  expect(text()).toContain('None yet.');
  list = () => Promise.reject(new Unreachable('gone'));
  await open();
  expect(text()).not.toContain('None yet.');
});
