// @vitest-environment jsdom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Router, type BaseLocationHook } from 'wouter';
import { navigate, useLocationProperty } from 'wouter/use-browser-location';
import { startLanguage } from '@/i18n/language';
import type { LiveDeliberation, Snapshot } from '@/live/live';
import { foldAll } from '@/protocol/fold';
import type { MagiEvent } from '@/protocol/types';
import { Announcer } from '@/ui/Announcer';
import { Toasts } from '@/ui/Toasts';
import { ReplayBar } from './ReplayBar';

const agents = [{ agentId: 'caspar', name: 'CASPAR', role: 'sage', model: 'm' }];
const LOG = [
  { type: 'start', council: { id: 'magi', rule: 'judge', agents } },
  { type: 'agent_start', agentId: 'caspar', attempt: 1, model: 'm' },
  { type: 'chunk', agentId: 'caspar', content: 'a' },
  { type: 'chunk', agentId: 'caspar', content: 'b' },
  { type: 'error', error: 'internal', message: '', retryable: true },
].map(
  (draft, place) =>
    ({ ...draft, seq: place + 1, timestamp: new Date(1_000 * place).toISOString() }) as unknown as MagiEvent,
);

/** The fragment as path and query, as the app routes where a host answers one path only. */
function useFragment(): ReturnType<BaseLocationHook> {
  const path = useLocationProperty(() => location.hash.slice(1).split('?')[0] ?? '');
  return [path, (to: string) => navigate(`#${to}`, { replace: true })];
}

function useFragmentSearch(): string {
  return useLocationProperty(() => location.hash.split('?')[1] ?? '');
}

const FRAGMENT = { hook: useFragment, searchHook: useFragmentSearch, hrefs: (href: string) => `#${href}` };

let root: Root;
let element: HTMLElement;

beforeAll(async () => {
  await startLanguage('en');
});
beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.useFakeTimers();
  element = document.createElement('div');
  document.body.append(element);
  root = createRoot(element);
});
afterEach(() => {
  act(() => root.unmount());
  element.remove();
  vi.useRealTimers();
  history.replaceState(null, '', '/');
});

function liveOf(n: number) {
  const listeners = new Set<() => void>();
  const shot = (events: readonly MagiEvent[]): Snapshot => ({
    state: foldAll(events),
    times: {},
    connection: { kind: 'open', carrier: 'stream' },
    stopping: 'no',
    events,
    verified: null,
  });
  let snapshot = shot(LOG.slice(0, n));
  const live: LiveDeliberation = {
    id: 'd',
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    snapshot: () => snapshot,
    stop: () => Promise.resolve(),
    reconnect: () => undefined,
  };
  const grow = (to: number) => {
    act(() => {
      snapshot = shot(LOG.slice(0, to));
      for (const listener of [...listeners]) listener();
    });
  };
  return { live, grow };
}

/** Renders the bar, and gives what it last said the page is to show. */
function shownBy(live: LiveDeliberation, isHash = false) {
  let source: LiveDeliberation = live;
  act(() =>
    root.render(
      <Router {...(isHash && FRAGMENT)}>
        <Announcer>
          <Toasts>
            <ReplayBar live={live} onSource={(next) => (source = next)} />
          </Toasts>
        </Announcer>
      </Router>,
    ),
  );
  return { isLive: () => source === live, cursor: () => source.snapshot().state.cursor };
}

function press(name: string): void {
  const button = [...element.querySelectorAll('button')].find(
    (found) => found.textContent === name || found.getAttribute('aria-label') === name,
  );
  if (button === undefined) throw new Error(`no button ${name}`);
  act(() => button.click());
}

function settle(): void {
  act(() => {
    vi.advanceTimersByTime(1_000);
  });
}

it('is not there while the deliberation runs', () => {
  const { live, grow } = liveOf(3);
  const shown = shownBy(live);
  expect(element.querySelector('input')).toBeNull();
  grow(5);
  expect(element.querySelector('input')).not.toBeNull();
  expect(shown.isLive()).toBe(true);
});

it('opens a link to a moment there, and goes back to the end', () => {
  history.replaceState(null, '', '/d/d#seq=3');
  const shown = shownBy(liveOf(5).live);
  expect(shown.isLive()).toBe(false);
  expect(shown.cursor()).toBe(3);
  expect(element.textContent).toContain('You see the state at event 3 of 5');
  expect(element.querySelector('input')?.getAttribute('aria-valuetext')).toBe('0:02.0 of 0:04.0, CASPAR writes');
  press('To the end');
  settle();
  expect(shown.isLive()).toBe(true);
  expect(location.hash).toBe('');
});

it('keeps the address on the moment, in the same entry of the history', () => {
  history.replaceState(null, '', '/d/d');
  const before = history.length;
  shownBy(liveOf(5).live);
  press('Previous moment');
  settle();
  expect(location.hash).toBe('#seq=2');
  expect(history.length).toBe(before);
});

it('reads and writes it in the query of the fragment where that is the path', () => {
  history.replaceState(null, '', '/?x=1#/d/d?seq=4');
  const shown = shownBy(liveOf(5).live, true);
  expect(shown.cursor()).toBe(4);
  press('Previous moment');
  settle();
  expect(location.search + location.hash).toBe('?x=1#/d/d?seq=2');
  press('To the end');
  settle();
  expect(location.hash).toBe('#/d/d');
});

it('waits for an event that a running log does not have yet, shows it, and lets the page go on', () => {
  history.replaceState(null, '', '/d/d#seq=3');
  const { live, grow } = liveOf(2);
  const shown = shownBy(live);
  expect(shown.isLive()).toBe(true);
  expect(element.textContent).toContain('event 3, which has not happened yet');
  grow(4);
  expect(shown.cursor()).toBe(3);
  expect(element.textContent).toContain('at event 3 of 4. The deliberation goes on.');
  press('To the present');
  expect(shown.isLive()).toBe(true);
  expect(location.hash).toBe('');
});

it('takes a moment beyond the end of a finished log for the end', () => {
  history.replaceState(null, '', '/d/d#seq=99');
  const shown = shownBy(liveOf(5).live);
  settle();
  expect(shown.isLive()).toBe(true);
  expect(location.hash).toBe('');
});

it('follows an address that somebody else changes', () => {
  history.replaceState(null, '', '/d/d');
  const shown = shownBy(liveOf(5).live);
  act(() => history.replaceState(null, '', '/d/d#seq=4'));
  expect(shown.cursor()).toBe(4);
  act(() => history.replaceState(null, '', '/d/d'));
  expect(shown.isLive()).toBe(true);
});
