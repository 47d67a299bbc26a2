import { describe, expect, it } from 'vitest';
import type { MagiEvent } from '@/protocol/types';
import { figures } from './figures';

type Draft = Record<string, unknown> & { readonly type: string };

function log(...drafts: (readonly [atMs: number, draft: Draft])[]): readonly MagiEvent[] {
  return drafts.map(
    ([atMs, draft], place) =>
      ({ ...draft, seq: place + 1, timestamp: new Date(atMs).toISOString() }) as unknown as MagiEvent,
  );
}

const agents = ['a', 'b'].map((agentId) => ({ agentId, name: agentId, role: 'sage', model: 'm' }));
const START: Draft = { type: 'start', council: { agents } };
const begun = (agentId: string, attempt = 1): Draft => ({ type: 'agent_start', agentId, attempt });
const said = (agentId: string): Draft => ({ type: 'chunk', agentId, content: 'x' });
const voted = (agentId: string): Draft => ({ type: 'vote', agentId, decision: 'APPROVED' });
const called = (agentId: string): Draft => ({ type: 'trace', agentId, trace: { action: 'model_call', details: '' } });
const ended = (agentId: string, usage: object, more: object = {}): Draft => ({
  type: 'agent_complete',
  agentId,
  status: 'voted',
  usage,
  durationMs: 2_100,
  ...more,
});
const SPOKEN = [
  [0, START],
  [100, begun('a')],
  [150, called('a')],
  [300, said('a')],
  [1_300, said('a')],
  [2_300, voted('a')],
] as const;

describe('figures', () => {
  it('measures an agent from its own beginning, and its pace over the time in which its tokens came', () => {
    const usage = { inputTokens: 40, outputTokens: 100, cacheReadTokens: 7 };
    const { agents: found } = figures(log(...SPOKEN, [2_310, ended('a', usage, { costUsd: 0.01 })]));
    expect(found[0]).toMatchObject({
      inputTokens: 40,
      outputTokens: 100,
      cacheReadTokens: 7,
      cacheWriteTokens: null,
      costUsd: 0.01,
      firstTokenMs: 200,
      durationMs: 2_100,
      attempts: 1,
      modelCalls: 1,
      tokensPerS: 50,
    });
  });

  it('leaves open what was not measured', () => {
    const { agents: found, total } = figures(log(...SPOKEN));
    expect(found[0]).toMatchObject({ inputTokens: null, tokensPerS: null, durationMs: null, firstTokenMs: 200 });
    const { agent, ...waiting } = found[1] ?? { agent: null };
    expect(agent).not.toBeNull();
    expect(Object.values(waiting).every((value) => value === null)).toBe(true);
    expect(total).toMatchObject({ inputTokens: null, costUsd: null, durationMs: null, firstTokenMs: 300 });
  });

  it('takes a usage of nothing for what was not counted, and gives no pace where a call was not', () => {
    const nothing = ended('a', { inputTokens: 0, outputTokens: 0, uncountedCalls: 1 });
    expect(figures(log(...SPOKEN, [2_310, nothing])).agents[0]).toMatchObject({
      inputTokens: null,
      outputTokens: null,
      uncountedCalls: 1,
    });
    const part = ended('a', { inputTokens: 1, outputTokens: 50, uncountedCalls: 1 });
    expect(figures(log(...SPOKEN, [2_310, part])).agents[0]).toMatchObject({ outputTokens: 50, tokensPerS: null });
  });

  it('counts the time of every attempt that was paid for', () => {
    const again = [
      [3_000, begun('a', 2)],
      [3_500, said('a')],
      [5_500, voted('a')],
      [5_600, ended('a', { inputTokens: 1, outputTokens: 80 })],
    ] as const;
    expect(figures(log(...SPOKEN, ...again)).agents[0]).toMatchObject({
      attempts: 2,
      firstTokenMs: 500,
      tokensPerS: 20,
    });
  });

  it('takes the total from the terminal event where that states it', () => {
    const complete = {
      type: 'complete',
      usage: { inputTokens: 9, outputTokens: 400 },
      executionTime: 2_400,
      costUsd: 0.5,
    };
    const { total } = figures(
      log(...SPOKEN, [2_310, ended('a', { inputTokens: 1, outputTokens: 1 })], [2_400, complete]),
    );
    expect(total).toMatchObject({
      inputTokens: 9,
      outputTokens: 400,
      durationMs: 2_400,
      costUsd: 0.5,
      attempts: 1,
      tokensPerS: 200,
    });
  });

  it('adds up what was counted where the deliberation was stopped', () => {
    const { total } = figures(
      log(...SPOKEN, [2_310, ended('a', { inputTokens: 3, outputTokens: 4 })], [2_500, { type: 'cancelled' }]),
    );
    expect(total).toMatchObject({ inputTokens: 3, outputTokens: 4, durationMs: 2_500, costUsd: null });
  });
});
