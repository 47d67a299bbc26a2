import { expect, it } from 'vitest';
import type { Connection } from '@/live/live';
import { Replay } from '@/live/replay';
import { Unreachable } from '@/protocol/failures';
import { LogClock } from './clock';
import { begins, completes, logOf, says, startOf, ToldLive } from './testing';

const BEGAN_MS = Date.parse('2026-01-02T03:04:05.000Z');

it('tells the time of the log, whatever this machine thinks it is, and goes on between events', () => {
  const live = new ToldLive();
  live.tell({ events: logOf(startOf()) });
  let passedMs = 7_000_000;
  const clock = new LogClock(live, () => passedMs);
  expect(clock.nowMs() - BEGAN_MS).toBe(0);
  passedMs += 750;
  clock.tick();
  expect(clock.nowMs() - BEGAN_MS).toBe(750);
});

it('is set by an event, but never back', () => {
  const live = new ToldLive();
  live.tell({ events: logOf(startOf()) });
  let passedMs = 0;
  const clock = new LogClock(live, () => passedMs);
  passedMs = 5_000;
  clock.tick();
  live.tell({ events: logOf(startOf(), { ...begins('caspar'), atMs: 1_000 }) });
  clock.tick();
  expect(clock.nowMs() - BEGAN_MS).toBe(5_000);
  live.tell({ events: logOf(startOf(), begins('caspar'), { ...says('caspar', 'a'), atMs: 9_000 }) });
  clock.tick();
  expect(clock.nowMs() - BEGAN_MS).toBe(9_000);
});

it('stands when the deliberation has ended, and tells nobody', () => {
  const live = new ToldLive();
  live.tell({ events: logOf(startOf(), { ...completes(), atMs: 300 }) });
  let passedMs = 0;
  const clock = new LogClock(live, () => passedMs);
  let told = 0;
  const leave = clock.subscribe(() => (told += 1));
  passedMs = 60_000;
  clock.tick();
  leave();
  expect(clock.nowMs() - BEGAN_MS).toBe(300);
  expect(told).toBe(0);
});

it('stands while nothing is heard of the server, and makes up for it afterwards', () => {
  const live = new ToldLive();
  live.tell({ events: logOf(startOf()) });
  let passedMs = 0;
  const clock = new LogClock(live, () => passedMs);
  const after = (ms: number, connection: Connection) => {
    live.tell({ connection });
    passedMs = ms;
    clock.tick();
    return clock.nowMs() - BEGAN_MS;
  };
  expect(after(1_000, { kind: 'lost', sinceMs: Date.now(), tries: 1 })).toBe(1_000);
  expect(after(5_000, { kind: 'lost', sinceMs: Date.now() - 4_000, tries: 2 })).toBe(1_000);
  expect(after(6_000, { kind: 'refused', error: new Unreachable('gone') })).toBe(1_000);
  expect(after(7_000, { kind: 'connecting' })).toBe(1_000);
  expect(after(8_000, { kind: 'open', carrier: 'stream' })).toBe(8_000);
});

it('of a replay is where the replay stands', () => {
  const replay = new Replay('d1', logOf(startOf(), { ...completes(), atMs: 2_000 }));
  replay.seekTime(500);
  expect(new LogClock(replay).nowMs() - BEGAN_MS).toBe(500);
});
