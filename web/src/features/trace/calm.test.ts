import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LiveDeliberation, Snapshot } from '@/live/live';
import { calmly } from './calm';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function liveOf() {
  const listeners = new Set<() => void>();
  let shown = { n: 0 };
  const live = {
    id: 'd',
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    snapshot: () => shown as unknown as Snapshot,
  } as unknown as LiveDeliberation;
  const change = () => {
    shown = { n: shown.n + 1 };
    for (const listener of listeners) listener();
  };
  return { live, change, listeners };
}

it('tells the first change at once and the rest a few times a second, the last one always', () => {
  const { live, change } = liveOf();
  const view = calmly(live, 300);
  const listener = vi.fn();
  view.subscribe(listener);
  for (let frame = 0; frame < 60; frame += 1) {
    change();
    vi.advanceTimersByTime(16);
  }
  expect(listener.mock.calls.length).toBeLessThanOrEqual(4);
  vi.advanceTimersByTime(1_000);
  expect(view.snapshot()).toBe(live.snapshot());
});

it('sees what changed while nobody listened, and lets go of what it listened to', () => {
  const { live, change, listeners } = liveOf();
  const view = calmly(live, 300);
  change();
  const listener = vi.fn();
  const end = view.subscribe(listener);
  expect(view.snapshot()).toBe(live.snapshot());
  end();
  expect(listeners.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
