// @vitest-environment jsdom
import i18next from 'i18next';
import { beforeAll, describe, expect, it } from 'vitest';
import { startLanguage } from '@/i18n/language';
import { foldAll } from '@/protocol/fold';
import type { DeliberationState, MagiEvent } from '@/protocol/types';
import { deliberationJson, deliberationMarkdown, exportName } from './export';
import { formatsOf } from './format';
import { reservationsOf, reservationWords } from './reservations';

beforeAll(() => startLanguage('en'));

const START = {
  type: 'start',
  deliberationId: 'd1',
  sessionId: 's1',
  question: 'Should we?\n# Not a heading',
  mode: 'deliberate',
  council: {
    id: 'magi',
    rule: 'judge',
    agents: [
      { agentId: 'caspar', name: 'CASPAR', role: 'sage', model: 'm1', note: 'rule-based, no language model' },
      { agentId: 'balthasar', name: 'BALTHASAR', role: 'sage', model: 'm1' },
      { agentId: 'solomon', name: 'SOLOMON', role: 'judge', model: 'm2' },
    ],
  },
};
const SAID = [
  { type: 'agent_start', agentId: 'caspar', attempt: 1, model: 'm1' },
  { type: 'chunk', agentId: 'caspar', content: '# Mine\n\nwords\n\n```\n# code\n```\n' },
  { type: 'vote', agentId: 'caspar', decision: 'REJECTED', confidence: 0.62, reasoning: 'risk\nand more' },
  { type: 'agent_complete', agentId: 'balthasar', status: 'failed', cause: 'model_silent', usage: { inputTokens: 0, outputTokens: 0 }, durationMs: 1 },
]; // prettier-ignore
const VERDICT = { type: 'verdict', agentId: 'solomon', decision: 'REJECTED', confidence: 0.5, summary: 'No.', reasoning: 'why', recommendation: 'wait', scores: [{ agentId: 'caspar', score: 81, reasoning: 'sound' }] }; // prettier-ignore

function complete(more: object = {}, authority: object = {}) {
  return {
    type: 'complete',
    outcome: 'decided_degraded',
    decision: 'REJECTED',
    confidence: 0.5,
    tally: { approved: 0, rejected: 1, abstained: 0, failed: 1 },
    authority: { votersExpected: 2, votersValid: 1, judge: 'primary', rule: 'judge', overturned: false, missing: [{ agentId: 'balthasar', cause: 'model_silent' }], ...authority }, // prettier-ignore
    usage: { inputTokens: 40, outputTokens: 400 },
    executionTime: 4200,
    chunkCount: 1,
    digest: 'sha256:ab',
    ...more,
  };
}

function log(...events: readonly object[]): readonly MagiEvent[] {
  return events.map((event, place) => ({
    seq: place + 1,
    timestamp: '2026-01-02T03:04:05.000Z',
    ...event,
  })) as unknown as readonly MagiEvent[];
}

function exported(state: DeliberationState): string {
  const t = i18next.getFixedT<['deliberation', 'common']>('en', ['deliberation', 'common']);
  return deliberationMarkdown(state, t, formatsOf('en'));
}

describe('a deliberation as Markdown', () => {
  const text = () => exported(foldAll(log(START, ...SAID, VERDICT, complete())));

  it('says first what limits the outcome, then the outcome, then who said what', () => {
    const order = ['Degraded: 1 of 2', 'BALTHASAR: no word came', 'no language model', 'Outcome: Rejected', '## Question', '## Verdict: SOLOMON', '## CASPAR', '## Record']; // prettier-ignore
    const places = order.map((words) => text().indexOf(words));
    expect(places).not.toContain(-1);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
  });

  it('keeps what was said within its own outline, and code as it is', () => {
    expect(text()).toContain('> # Not a heading');
    expect(text()).toContain('\n#### Mine\n');
    expect(text()).toContain('```\n# code\n```');
    expect(text()).toContain('> risk\n> and more');
  });

  it('has votes, scores, figures and the date', () => {
    expect(text()).toContain('**Vote: Rejected**, Confidence 62%');
    expect(text()).toContain('**CASPAR: 81** sound');
    expect(text()).toContain('0 approved, 1 rejected, 0 abstained, 1 failed');
    expect(text()).toContain('2026-01-02T03:04:05.000Z');
    expect(text()).toContain('sha256:ab');
  });

  it('of one that has not ended, was stopped or failed says so', () => {
    expect(exported(foldAll(log(START, ...SAID)))).toContain('Not ended');
    expect(exported(foldAll(log(START, { type: 'cancelled', by: 'x', receipt: { agents: [] } })))).toContain('Stopped');
    const failed = { type: 'error', error: 'log_unavailable', message: 'The disk is full.', retryable: true };
    expect(exported(foldAll(log(START, failed)))).toContain('The disk is full.');
  });

  it('of nothing is no fault', () => {
    expect(exported(foldAll([]))).toContain('Not ended');
  });
});

describe('a deliberation as JSON', () => {
  it('has every event and the state that they make', () => {
    const events = log(START, ...SAID);
    expect(JSON.parse(deliberationJson(events))).toEqual(
      JSON.parse(JSON.stringify({ state: foldAll(events), events })),
    );
  });
});

describe('what limits an outcome', () => {
  const kinds = (...events: readonly object[]) =>
    reservationsOf(foldAll(log(START, ...events))).map((found) =>
      found.kind === 'inconclusive' ? `inconclusive:${found.because}` : found.kind,
    );

  it.each([
    ['nothing', complete({ outcome: 'decided' }, { missing: [] }), []],
    ['a sage that failed', complete(), ['degraded', 'missing']],
    ['no judge', complete({}, { votersValid: 2, judge: 'none', missing: [{ agentId: 'solomon', cause: 'model_late' }] }), ['noJudge', 'missing']],
    ['an overturned majority', complete({ outcome: 'decided' }, { overturned: true, missing: [] }), ['overturned']],
    ['no quorum', complete({ outcome: 'inconclusive', decision: null }), ['inconclusive:quorum', 'missing']],
    ['a tie', complete({ outcome: 'inconclusive' }, { rule: 'majority', votersValid: 2, missing: [] }), ['inconclusive:tie']],
    ['no unanimity', complete({ outcome: 'inconclusive', tally: { approved: 1, rejected: 1, abstained: 0, failed: 0 } }, { rule: 'unanimous', votersValid: 2, missing: [] }), ['inconclusive:split']],
    ['an answer', complete({ outcome: 'answered' }), []],
  ])('is %s', (_, end, expected) => {
    expect(kinds(end)).toEqual(expected);
  }); // prettier-ignore

  it.each([
    [0, 'None of 2 sages cast'],
    [1, 'Only 1 of 2 sages cast'],
  ])('says how few voted: %i', (valid, words) => {
    const t = i18next.getFixedT('en', ['deliberation', 'common'] as const);
    const because = { kind: 'inconclusive', because: 'quorum', valid, expected: 2 } as const;
    expect(reservationWords(t, because).join(' ')).toContain(words);
  });

  it('is a judge that abstained', () => {
    const end = complete({ outcome: 'inconclusive' }, { votersValid: 2, missing: [] });
    expect(kinds({ ...VERDICT, decision: 'ABSTAINED' }, end)).toEqual(['inconclusive:judgeAbstained']);
  });
});

it('names files so that no file system stumbles', () => {
  expect(exportName('../a b', 'md')).toBe('magi-_a_b.md');
});
