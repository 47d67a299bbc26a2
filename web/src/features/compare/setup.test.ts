import { describe, expect, test } from 'vitest';
import { cardOf, SOLOMON, startOf, stateOf } from './fixtures';
import { setupDifferences } from './setup';

const council = (model: string, names = ['caspar', 'melchior']) => names.map((name) => cardOf(name, { model }));

describe('the conditions', () => {
  test('are the same where nothing differs', () => {
    const a = stateOf(startOf([...council('x'), SOLOMON]));
    expect(setupDifferences(a, a)).toEqual({
      same: ['question', 'mode', 'council', 'rule', 'models'],
      mode: null,
      council: null,
      rule: null,
      models: [],
    });
  });

  test('name what changed, and the agents that changed alike together', () => {
    const a = stateOf(startOf([...council('x'), SOLOMON]));
    const other = {
      question: 'How?',
      council: { id: 'board', rule: 'majority', agents: [...council('y'), SOLOMON] },
    } as const;
    const b = stateOf(startOf([], other));
    expect(setupDifferences(a, b)).toEqual({
      same: ['mode'],
      mode: null,
      council: { from: 'magi', to: 'board' },
      rule: { from: 'judge', to: 'majority' },
      models: [{ from: 'x', to: 'y', names: ['CASPAR', 'MELCHIOR'] }],
    });
  });

  test('do not call models the same where no agent is on both sides', () => {
    const a = stateOf(startOf(council('x')));
    const b = stateOf(startOf(council('x', ['economist'])));
    expect(setupDifferences(a, b)?.same).not.toContain('models');
    expect(setupDifferences(a, b)?.models).toEqual([]);
  });

  test('hold no rule where a side is a chat', () => {
    const differences = setupDifferences(
      stateOf(startOf([SOLOMON])),
      stateOf(startOf([SOLOMON], { mode: 'chat', council: { id: 'magi', rule: 'majority', agents: [SOLOMON] } })),
    );
    expect(differences?.rule).toBeNull();
    expect(differences?.same).not.toContain('rule');
  });

  test('are unknown before a side has begun', () => {
    expect(setupDifferences(stateOf(startOf([])), stateOf(null))).toBeNull();
  });
});
