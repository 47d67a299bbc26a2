import { describe, expect, test } from 'vitest';
import { alignedSages, difference, hasEnded, judgeOf } from './alignment';
import { cardOf, laneOf, SOLOMON, startOf, stateOf } from './fixtures';

describe('rows', () => {
  test('hold the same agent of both sides, then those of the right side alone', () => {
    const a = stateOf(startOf([cardOf('caspar'), cardOf('economist'), cardOf('melchior'), SOLOMON]));
    const b = stateOf(startOf([cardOf('melchior'), cardOf('balthasar'), cardOf('caspar'), SOLOMON]));
    expect(alignedSages(a, b).map((row) => [row.agentId, row.a !== null, row.b !== null])).toEqual([
      ['caspar', true, true],
      ['economist', true, false],
      ['melchior', true, true],
      ['balthasar', false, true],
    ]);
  });

  test('stand where only one side does', () => {
    const b = stateOf(startOf([cardOf('caspar'), SOLOMON]));
    expect(alignedSages(null, b)).toMatchObject([{ agentId: 'caspar', a: null, b: { name: 'CASPAR' } }]);
  });

  test('hold votes and scores of the agent, whatever the order of lanes and scores', () => {
    const verdict = {
      type: 'verdict',
      seq: 9,
      timestamp: '',
      agentId: 'solomon',
      decision: 'APPROVED',
      confidence: 1,
      summary: '',
      reasoning: '',
      recommendation: '',
      scores: [
        { agentId: 'melchior', score: 20, reasoning: '' },
        { agentId: 'caspar', score: 80, reasoning: '' },
      ],
    } as const;
    const lanes = [laneOf('melchior', { decision: 'REJECTED' }), laneOf('caspar', { decision: 'APPROVED' })];
    const a = stateOf(startOf([cardOf('caspar'), cardOf('melchior'), SOLOMON]), { lanes, verdict });
    expect(alignedSages(a, null)).toMatchObject([
      { a: { agentId: 'caspar', lane: { decision: 'APPROVED' }, score: { score: 80 } } },
      { a: { agentId: 'melchior', lane: { decision: 'REJECTED' }, score: { score: 20 } } },
    ]);
    expect(judgeOf(a)?.agentId).toBe('solomon');
  });

  test('hold lanes of a log that begins without a start', () => {
    const a = stateOf(null, { lanes: [laneOf('caspar', { text: 'x' })] });
    expect(alignedSages(a, null)).toMatchObject([{ a: { name: 'CASPAR', card: null, lane: { text: 'x' } } }]);
    expect(judgeOf(a)).toBeNull();
  });
});

describe('a difference', () => {
  test('says what changed, and from what', () => {
    expect(difference('APPROVED', 'REJECTED')).toEqual({ kind: 'changed', from: 'APPROVED', to: 'REJECTED' });
    expect(difference('APPROVED', 'APPROVED')).toEqual({ kind: 'same', value: 'APPROVED' });
  });

  test('takes nothing for a value, but zero', () => {
    expect(difference(null, undefined)).toBeNull();
    expect(difference(0, null)).toEqual({ kind: 'only_a', value: 0 });
    expect(difference(undefined, 0)).toEqual({ kind: 'only_b', value: 0 });
  });
});

test('a deliberation has ended unless it runs or has not begun', () => {
  const ended = ['empty', 'running', 'complete', 'cancelled', 'error'].map((status) =>
    hasEnded(stateOf(null, { status })),
  );
  expect(ended).toEqual([false, false, true, true, true]);
});
