// @vitest-environment node
/** The rules of the server's own client: tests/unit/test_client_rules.py. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { MagiEvent } from '@/protocol/types';
import { Attention, Lateness } from './lateness';

const NOON_MS = Date.UTC(2026, 0, 1, 12);

function madeAt(...timesS: number[]): MagiEvent[] {
  return timesS.map((timeS) => ({
    type: 'chunk',
    seq: 1,
    timestamp: new Date(NOON_MS + timeS * 1000).toISOString(),
    agentId: 'caspar',
    content: 'x',
  }));
}

/** A reader whose own clock is `skewS` from the server's. */
function readerWith(skewS: number): (madeS: readonly number[], sinceS: number, atS: number) => boolean {
  const lateness = new Lateness(3_000);
  const own = (timeS: number) => NOON_MS + (skewS + timeS) * 1000;
  return (madeS, sinceS, atS) => lateness.isHeldBack(madeAt(...madeS), own(sinceS), own(atS));
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, place) => from + place);

describe.each([0, 3_600, -3_600])('with clocks %d s apart', (skewS) => {
  it('finds nothing held back that comes as it is made', () => {
    const reads = readerWith(skewS);
    for (let made = 0; made < 100; made += 5) expect(reads([made, made + 0.01], made - 5, made + 0.1)).toBe(false);
  });

  it('finds held back what was made while it was waited for and comes at once', () => {
    const reads = readerWith(skewS);
    expect(reads([0], 0, 0.1)).toBe(false);
    expect(reads([1, 2, 3], 0.1, 3.5)).toBe(false);
    expect(reads([4, 5, 6, 7, 8], 3.5, 8.1)).toBe(true);
  });

  it('finds the first that comes to be a burst', () => {
    expect(readerWith(skewS)([1, 3, 5, 7], 0, 7.1)).toBe(true);
  });

  it('takes for one burst what comes at once in several pieces', () => {
    const reads = readerWith(skewS);
    expect(reads([0], 0, 0.1)).toBe(false);
    expect(reads([], 0.1, 8.1)).toBe(false);
    expect(reads([4], 8.1, 8.11)).toBe(false);
    expect(reads([8], 8.11, 8.12)).toBe(true);
  });

  it('does not blame the way for the backlog of a reader that is a little too slow', () => {
    const reads = readerWith(skewS);
    for (const n of range(0, 500)) expect(reads([n / 20], (n - 1) / 11, n / 11)).toBe(false);
  });

  it('takes history for old, not for held back', () => {
    const reads = readerWith(skewS);
    expect(reads(range(0, 500), 1_000, 1_000.2)).toBe(false);
    expect(reads(range(500, 1_000), 1_000.2, 1_000.3)).toBe(false);
    expect(reads([1_001], 1_000.3, 1_001.1)).toBe(false);
  });

  it('does not count one late event', () => {
    const reads = readerWith(skewS);
    expect(reads([0], 0, 0.1)).toBe(false);
    expect(reads([1], 0.1, 20)).toBe(false);
  });
});

it('passes over timestamps that say nothing', () => {
  const lateness = new Lateness(3_000);
  const events = madeAt(0, 0).map((event) => ({ ...event, timestamp: 'noon' }));
  expect(lateness.isHeldBack(events, 0, 10_000)).toBe(false);
});

describe('attention', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is unbroken while the page runs', () => {
    const attention = new Attention();
    const sinceMs = performance.now();
    vi.advanceTimersByTime(20_000);
    expect(attention.waitingSince(sinceMs, performance.now())).toBe(sinceMs);
    attention.close();
  });

  it('begins anew after the page stood still', () => {
    const attention = new Attention();
    const sinceMs = performance.now();
    vi.advanceTimersByTime(2_000);
    // A long task, or a sleep: time passes, and no timer runs.
    const awakeMs = performance.now() + 8_000;
    expect(attention.waitingSince(sinceMs, awakeMs)).toBe(awakeMs);
    expect(attention.waitingSince(awakeMs + 10, awakeMs + 20)).toBe(awakeMs + 10);
    attention.close();
  });
});
