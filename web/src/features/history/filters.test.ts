import { describe, expect, test } from 'vitest';
import { isNarrowed, queryOf, readFilters, UNFILTERED, writeFilters } from './filters';

describe('the filters in the address', () => {
  test('read back as they were written', () => {
    const filters = { q: '課金 & Rust?', outcome: 'decided_degraded', decision: 'REJECTED' } as const;
    expect(readFilters(writeFilters(filters))).toEqual(filters);
    expect(readFilters(writeFilters(UNFILTERED))).toEqual(UNFILTERED);
  });

  test('of words that nobody knows count as absent', () => {
    expect(readFilters('q=%20%20&outcome=best&decision=approved')).toEqual(UNFILTERED);
  });

  test('search no longer than the server reads', () => {
    expect(readFilters(`q=${'x'.repeat(5_000)}`).q).toHaveLength(1_000);
  });

  test('narrow the list if any is set', () => {
    expect(isNarrowed(UNFILTERED)).toBe(false);
    expect(isNarrowed({ ...UNFILTERED, decision: 'APPROVED' })).toBe(true);
  });

  test('ask the server for what is set and for nothing else', () => {
    expect(queryOf(UNFILTERED, null)).toEqual({ limit: 20 });
    expect(queryOf({ q: 'rust', outcome: 'decided', decision: null }, 'c')).toEqual({
      limit: 20,
      q: 'rust',
      outcome: 'decided',
      cursor: 'c',
    });
  });
});
