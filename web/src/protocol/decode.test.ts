// @vitest-environment node
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventOf, events, types } from './arbitraries';
import { decode, isKnown, MalformedEvent } from './decode';

const chunk = { type: 'chunk', seq: 3, timestamp: '2026-01-01T12:00:00.000Z', agentId: 'caspar', content: 'Hello' };

describe('decoding', () => {
  it('gives back every event that was written as JSON', () => {
    fc.assert(
      fc.property(events, (event) => {
        expect(decode(JSON.stringify(event))).toEqual(event);
      }),
    );
  });

  it('carries over what a newer writer added', () => {
    const newer = { ...chunk, tone: { deep: [1, null] } };
    expect(decode(JSON.stringify(newer))).toEqual(newer);
    const omen = { type: 'omen', seq: 1, timestamp: '', signs: 3 };
    expect(decode(JSON.stringify(omen))).toEqual(omen);
    expect([isKnown('omen'), isKnown('toString'), isKnown('chunk')]).toEqual([false, false, true]);
  });

  it.each(['', 'null', '[]', '"chunk"', '{', '{}', '7'])('refuses %s, which is no event', (text) => {
    expect(() => decode(text)).toThrow(MalformedEvent);
  });

  it.each([
    { ...chunk, seq: 0 },
    { ...chunk, seq: 1.5 },
    { ...chunk, seq: '3' },
    { ...chunk, timestamp: null },
    { ...chunk, type: 3 },
    { ...chunk, content: undefined },
    { ...chunk, agentId: ['caspar'] },
    { ...chunk, type: 'vote', decision: 'MAYBE', confidence: 1, reasoning: '' },
    { ...chunk, type: 'trace', trace: null },
  ])('refuses an event with a wrong field: %j', (event) => {
    expect(() => decode(JSON.stringify(event))).toThrow(MalformedEvent);
  });

  it.each(types)('needs every field that it reads of `%s`', (type) => {
    fc.assert(
      fc.property(eventOf(type), (event) => {
        for (const name of Object.keys(event)) {
          const holed = JSON.stringify({ ...event, [name]: undefined });
          expect(() => decode(holed)).toThrow(MalformedEvent);
        }
      }),
      { numRuns: 5 },
    );
  });
});
