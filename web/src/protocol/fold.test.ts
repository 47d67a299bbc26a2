// @vitest-environment node
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logs } from './arbitraries';
import { EMPTY, fold, foldAll } from './fold';
import type { DeliberationState, MagiEvent } from './types';

const at = '2026-01-01T12:00:00.000Z';
const begin = (seq: number, agentId: string): MagiEvent => ({
  type: 'agent_start',
  seq,
  timestamp: at,
  agentId,
  attempt: 1,
  model: 'embedded',
});
const say = (seq: number, agentId: string, content: string): MagiEvent => ({
  type: 'chunk',
  seq,
  timestamp: at,
  agentId,
  content,
});

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

describe('the fold', () => {
  it('takes any prefix of any log, and goes on from it to the same state', () => {
    fc.assert(
      fc.property(logs, fc.nat(), (log, cut) => {
        const place = log.length === 0 ? 0 : cut % log.length;
        expect(foldAll(log.slice(place), foldAll(log.slice(0, place)))).toStrictEqual(foldAll(log));
      }),
    );
  });

  it('gives the same object back for an event it has seen', () => {
    fc.assert(
      fc.property(logs, (log) => {
        const state = foldAll(log);
        for (const event of log) expect(fold(state, event)).toBe(state);
      }),
    );
  });

  it('changes no state that it gave before', () => {
    fc.assert(
      fc.property(logs, (log) => {
        let state: DeliberationState = EMPTY;
        for (const event of log) state = frozen(fold(state, frozen(event)));
        expect(state.cursor).toBe(log.length);
      }),
    );
  });

  it('keeps the objects of lanes that did not speak', () => {
    const before = foldAll([begin(1, 'caspar'), begin(2, 'melchior')]);
    const after = fold(before, say(3, 'caspar', 'So.'));
    expect(after.lanes[0]).toMatchObject({ agentId: 'caspar', text: 'So.' });
    expect(after.lanes[1]).toBe(before.lanes[1]);
  });

  it('keeps all lanes for what concerns none', () => {
    const before = foldAll([begin(1, 'caspar')]);
    const after = fold(before, { type: 'trace', seq: 2, timestamp: at, trace: { action: 'a', details: 'd' } });
    expect(after.lanes).toBe(before.lanes);
    expect(after.cursor).toBe(2);
  });
});
