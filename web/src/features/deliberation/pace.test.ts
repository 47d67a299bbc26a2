import { describe, expect, it } from 'vitest';
import { Unreachable } from '@/protocol/failures';
import { estimatedTokens, paceOf } from './pace';
import { begins, ends, logOf, says, startOf, ToldLive, votes, type Told } from './testing';

function paceAfter(nowMs: number, ...events: readonly Told[]) {
  const live = new ToldLive();
  live.tell({ events: logOf({ ...startOf(), atMs: 0 }, ...events) });
  return paceOf(live.snapshot(), 'caspar', Date.parse('2026-01-02T03:04:05.000Z') + nowMs);
}

const at = (atMs: number, event: Told) => ({ ...event, atMs });
const usage = (outputTokens: number, more = {}) => ({ usage: { inputTokens: 1, outputTokens, ...more } });

describe('the pace of a lane', () => {
  it('is measured, from the first word to the vote, once it has ended', () => {
    const pace = paceAfter(9_000, at(100, begins('caspar')), at(1_000, says('caspar', 'a')), at(2_000, says('caspar', 'b')), at(3_000, votes('caspar')), at(3_500, ends('caspar', usage(100)))); // prettier-ignore
    expect(pace).toEqual({ tokensPerS: 50, isEstimated: false });
  });

  it('counts thinking, which the provider counts too', () => {
    const thinks = { type: 'thinking', agentId: 'caspar', content: 'hm' } as const;
    const pace = paceAfter(9_000, at(100, begins('caspar')), at(1_000, thinks), at(2_000, says('caspar', 'b')), at(3_000, votes('caspar')), at(3_500, ends('caspar', usage(100)))); // prettier-ignore
    expect(pace?.tokensPerS).toBe(50);
  });

  it('is an estimate while it streams', () => {
    const pace = paceAfter(2_000, at(100, begins('caspar')), at(1_000, says('caspar', 'x'.repeat(400))));
    expect(pace).toEqual({ tokensPerS: 100, isEstimated: true });
  });

  it.each([
    ['a lane that has said nothing', [at(100, begins('caspar'))]],
    ['a lane that began a moment ago', [at(100, begins('caspar')), at(1_900, says('caspar', 'abcdefgh'))]],
    ['a lane whose calls were not all counted', [begins('caspar'), says('caspar', 'a'), at(3_000, says('caspar', 'b')), ends('caspar', usage(9, { uncountedCalls: 1 }))]],
    ['a lane that began again, since its count is of all calls', [begins('caspar', 2), says('caspar', 'a'), at(3_000, says('caspar', 'b')), ends('caspar', usage(9))]],
    ['a lane that ended without a word', [begins('caspar'), ends('caspar', usage(9))]],
  ])('is absent for %s', (_, events) => {
    expect(paceAfter(2_000, ...events)).toBeNull();
  }); // prettier-ignore

  it('is absent while the connection is lost', () => {
    const live = new ToldLive();
    const events = logOf({ ...startOf(), atMs: 0 }, begins('caspar'), says('caspar', 'x'.repeat(400)));
    live.tell({ events, connection: { kind: 'lost', sinceMs: 0, tries: 1 } });
    expect(paceOf(live.snapshot(), 'caspar', Date.parse('2026-01-02T03:04:15.000Z'))).toBeNull();
  });

  it('is absent where the log is refused', () => {
    const live = new ToldLive();
    const events = logOf({ ...startOf(), atMs: 0 }, begins('caspar'), says('caspar', 'x'.repeat(400)));
    live.tell({ events, connection: { kind: 'refused', error: new Unreachable('gone') } });
    expect(paceOf(live.snapshot(), 'caspar', Date.parse('2026-01-02T03:04:15.000Z'))).toBeNull();
  });

  it('of a second attempt counts from that attempt', () => {
    const pace = paceAfter(6_000, at(0, begins('caspar')), at(100, says('caspar', 'old')), at(4_000, begins('caspar', 2)), at(5_000, says('caspar', 'x'.repeat(80)))); // prettier-ignore
    expect(pace).toEqual({ tokensPerS: 20, isEstimated: true });
  });
});

it('takes a letter of Japanese for a token, and four of an alphabet', () => {
  expect(estimatedTokens('会社の標準')).toBeCloseTo(5);
  expect(estimatedTokens('abcdefgh')).toBeCloseTo(2);
  expect(estimatedTokens('')).toBe(0);
});
