import { describe, expect, test } from 'vitest';
import { byDay } from './days';

const at = (...local: [number, number, number, number, number]) => ({ startedAt: new Date(...local).toISOString() });

describe('days', () => {
  const now = new Date(2026, 2, 14, 0, 5);

  test('begin at midnight where the reader is', () => {
    const items = [at(2026, 2, 14, 0, 1), at(2026, 2, 13, 23, 59), at(2026, 2, 13, 0, 0), at(2026, 2, 12, 23, 59)];
    const days = byDay(items, now);
    expect(days.map(({ date, ago }) => [date, ago])).toEqual([
      ['2026-03-14', 0],
      ['2026-03-13', 1],
      ['2026-03-12', 2],
    ]);
    expect(days[1]?.items).toEqual(items.slice(1, 3));
  });

  test('are counted by the calendar, over a change of clocks too', () => {
    for (let day = 1; day < 365; day += 1) {
      expect(byDay([at(2026, 0, day, 1, 30)], new Date(2026, 0, day + 1, 23, 30))[0]?.ago).toBe(1);
    }
  });

  test('of a clock that is ahead are not called yesterday', () => {
    expect(byDay([at(2026, 2, 15, 9, 0)], now)[0]?.ago).toBe(-1);
  });
});
