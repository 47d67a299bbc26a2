// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Router } from 'wouter';
import { memoryLocation } from 'wouter/memory-location';
import { startLanguage } from '@/i18n/language';
import { BackendContext, type Backend } from '@/live/backend';
import type { Complete, Decision, DeliberationState } from '@/protocol/types';
import { ApiProblem } from '@/transport/api';
import { signed } from './FiguresTable';
import { ComparePage } from './ComparePage';
import { cardOf, laneOf, SOLOMON, startOf, stateOf } from './fixtures';
import { readPair, writePair } from './sides';

const missing = new ApiProblem(404, { title: '', status: 404, code: 'deliberation_not_found', detail: '' });

function decided(decision: Decision, votes: readonly Decision[]): DeliberationState {
  const agents = votes.map((_, place) => cardOf(`sage${place}`));
  const complete: Complete = {
    type: 'complete',
    seq: 9,
    timestamp: '',
    outcome: 'decided',
    decision,
    confidence: 0.5,
    tally: { approved: 0, rejected: 0, abstained: 0, failed: 0 },
    authority: {
      votersExpected: votes.length,
      votersValid: votes.length,
      judge: 'primary',
      rule: 'judge',
      overturned: decision === 'REJECTED',
      missing: [],
    },
    usage: { inputTokens: 1, outputTokens: 2 },
    executionTime: 1_000,
    chunkCount: 1,
    digest: '',
  };
  const lanes = votes.map((vote, place) => laneOf(`sage${place}`, { decision: vote, status: 'voted' }));
  return stateOf(startOf([...agents, SOLOMON]), { status: 'complete', lanes, complete });
}

/** As the server tells it: the judge is all the council there is, with a rule and a tally that mean nothing. */
function chatted(): DeliberationState {
  const { complete } = decided('APPROVED', []);
  const lanes = [laneOf('solomon', { status: 'answered', text: 'An answer.' })];
  return stateOf(startOf([SOLOMON], { mode: 'chat' }), {
    status: 'complete',
    lanes,
    ...(complete != null && { complete: { ...complete, outcome: 'answered', decision: null, confidence: null } }),
  });
}

const STATES: Readonly<Record<string, DeliberationState>> = {
  yes: decided('APPROVED', ['APPROVED', 'REJECTED']),
  no: decided('REJECTED', ['APPROVED', 'APPROVED', 'APPROVED']),
  chat: chatted(),
};

const ITEM = { decision: null, outcome: null, startedAt: '2026-03-14T10:00:00.000Z' };

let root: Root;
let place: ReturnType<typeof memoryLocation> & { history: string[] };

async function settle() {
  await act(() => new Promise((resolve) => setTimeout(resolve, 0)));
}

async function open(path: string) {
  place = memoryLocation({ path, record: true });
  const api = {
    state: (id: string) => (STATES[id] === undefined ? Promise.reject(missing) : Promise.resolve(STATES[id])),
    list: () =>
      Promise.resolve({
        items: ['yes', 'no'].map((deliberationId) => ({ ...ITEM, deliberationId, question: `Q ${deliberationId}` })),
        nextCursor: null,
      }),
  };
  root = createRoot(document.body.appendChild(document.createElement('div')));
  act(() =>
    root.render(
      <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
        <BackendContext value={{ key: '0', api } as unknown as Backend}>
          <Router hook={place.hook}>
            <ComparePage />
          </Router>
        </BackendContext>
      </QueryClientProvider>,
    ),
  );
  await settle();
  await settle();
}

const side = (name: 'A' | 'B') => document.querySelector(`[aria-label="Side ${name}"]`)?.textContent ?? '';
const text = () => document.body.textContent;

function button(words: string): HTMLElement {
  const found = [...document.querySelectorAll('button')].find(({ textContent }) => textContent.startsWith(words));
  if (found === undefined) throw new Error(`no button says ${words}`);
  return found;
}

beforeEach(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  await startLanguage('en');
});

afterEach(() => {
  act(() => root.unmount());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

describe('a comparison', () => {
  test('says in words what differs, and what limits an outcome', async () => {
    await open('/compare?a=yes&b=no');
    expect(text()).toContain('Changed: Approved → Rejected');
    expect(text()).toContain('Same: Approved');
    expect(text()).toContain('Overturned');
    const rows = [...document.querySelectorAll('h3')].map((heading) => heading.parentElement?.textContent ?? '');
    expect(rows.find((row) => row.startsWith('SAGE1'))).toContain('Changed: Rejected → Approved');
    expect(rows.find((row) => row.startsWith('SAGE2'))).toContain('Only in B');
  });

  test('says of a chat neither votes, nor a rule, nor a tally', async () => {
    await open('/compare?a=yes&b=chat');
    expect(text()).toContain('Not asked in a chat.');
    expect(text()).not.toContain('Not in this council.');
    expect(text()).not.toContain('Only in');
    expect(side('A')).toContain('The judge decides');
    expect(side('B')).not.toContain('The judge decides');
    const tally = [...document.querySelectorAll('table')].find(({ caption }) => caption?.textContent === 'Tally');
    const rows = [...(tally?.tBodies[0]?.rows ?? [])].map(({ cells }) => [...cells].map((cell) => cell.textContent));
    expect(rows[0]).toEqual(['Approved', '0', '–nobody voted']);
  });

  test('of two chats has no sages and no tally', async () => {
    await open('/compare?a=chat&b=chat');
    expect(text()).not.toContain('Tally');
    expect(text()).not.toContain('Sages');
    expect(text()).not.toContain('Rule');
  });

  test('stands on one side where the other is not found', async () => {
    await open('/compare?a=yes&b=lost');
    expect(side('B')).toContain('There is no such deliberation.');
    expect(text()).toContain('SAGE0');
    expect(text()).not.toContain('Changed:');
    expect(text()).not.toContain('Only in');
  });

  test('swaps its sides', async () => {
    await open('/compare?a=yes&b=lost');
    act(() => button('Swap').click());
    await settle();
    expect(place.history.at(-1)).toBe('/compare?a=lost&b=yes');
    expect(side('A')).toContain('There is no such deliberation.');
  });

  test('asks for what is missing, and does not offer what stands on the other side', async () => {
    await open('/compare?b=yes');
    expect(side('A')).toContain('Q no');
    expect(side('A')).not.toContain('Q yes');
    act(() => button('Q no').click());
    await settle();
    expect(place.history.at(-1)).toBe('/compare?a=no&b=yes');
  });
});

test('an address names its sides whatever the ids hold', () => {
  const pair = { a: 'x&b=y', b: 'ü 1' };
  expect(readPair(writePair(pair))).toEqual(pair);
  expect(readPair('a=%20')).toEqual({ a: null, b: null });
});

test('figures that read the same are the same', () => {
  const whole = (value: number) => value.toFixed(0);
  expect(signed(1.1, 1.2, whole)).toBeNull();
  expect(signed(1, 3, whole)).toBe('+2');
  expect(signed(3, 1, whole)).toBe('−2');
});
