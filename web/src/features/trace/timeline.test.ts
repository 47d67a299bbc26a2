import { describe, expect, it } from 'vitest';
import type { MagiEvent } from '@/protocol/types';
import { drawable, timeline, type Span } from './timeline';
import { itemRows, moved, shiftsOf, ticksOf } from './timelineItems';

type Draft = Record<string, unknown> & { readonly type: string };

function log(...drafts: (readonly [atMs: number, draft: Draft])[]): readonly MagiEvent[] {
  return drafts.map(
    ([atMs, draft], place) =>
      ({ ...draft, seq: place + 1, timestamp: new Date(atMs).toISOString() }) as unknown as MagiEvent,
  );
}

const agents = ['a', 'b'].map((agentId) => ({ agentId, name: agentId, role: 'sage', model: 'm' }));
const START: Draft = { type: 'start', council: { agents } };
const begun = (attempt = 1): Draft => ({ type: 'agent_start', agentId: 'a', attempt });
const said: Draft = { type: 'chunk', agentId: 'a', content: 'x' };
const thought: Draft = { type: 'thinking', agentId: 'a', content: 'x' };
const voted: Draft = { type: 'vote', agentId: 'a', decision: 'APPROVED' };
const ended = (status = 'voted'): Draft => ({ type: 'agent_complete', agentId: 'a', status });
const traced = (action: string, durationMs?: number, agentId: string | null = 'a'): Draft => ({
  type: 'trace',
  ...(agentId !== null && { agentId }),
  trace: { action, details: '', ...(durationMs !== undefined && { durationMs }) },
});
const OVER: Draft = { type: 'error' };

function spansOf(events: readonly MagiEvent[]) {
  return timeline(events).rows[0]?.spans.map(({ kind, fromMs, toMs }) => [kind, fromMs, toMs]);
}

function marksOf(events: readonly MagiEvent[]) {
  return timeline(events).rows[0]?.marks.map(({ kind, atMs }) => [kind, atMs]);
}

describe('timeline', () => {
  it('tells calling, waiting, thinking, writing and casting apart', () => {
    const events = log(
      [0, START],
      [0, begun()],
      [200, traced('model_call')],
      [500, thought],
      [600, thought],
      [700, said],
      [800, said],
      [1_100, voted],
      [1_200, ended()],
      [1_300, OVER],
    );
    expect(spansOf(events)).toEqual([
      ['call', 0, 200],
      ['wait', 200, 500],
      ['thinking', 500, 700],
      ['streaming', 700, 800],
      ['ballot', 800, 1_100],
    ]);
    expect(marksOf(events)).toEqual([
      ['begun', 0],
      ['action', 200],
      ['vote', 1_100],
      ['ended', 1_200],
    ]);
  });

  it('leaves open what still lasts', () => {
    const events = log([0, START], [0, begun()], [200, traced('model_call')], [300, said], [400, said]);
    expect(spansOf(events)?.at(-1)).toEqual(['streaming', 300, null]);
    expect(timeline(events).isOver).toBe(false);
  });

  it('shows a long gap between tokens as silence, and a short one not', () => {
    const events = log([0, START], [0, begun()], [100, said], [1_000, said], [3_000, said], [3_100, voted]);
    expect(spansOf(events)).toEqual([
      ['call', 0, 100],
      ['streaming', 100, 1_000],
      ['silence', 1_000, 3_000],
      ['streaming', 3_000, 3_000],
      ['ballot', 3_000, 3_100],
    ]);
  });

  it('marks a timeout after the silence that led to it, and voids what a further attempt begins anew', () => {
    const events = log(
      [0, START],
      [0, begun()],
      [100, said],
      [200, said],
      [30_200, traced('model_silent')],
      [30_200, traced('retry')],
      [30_200, begun(2)],
      [30_300, traced('model_call')],
    );
    const row = timeline(events).rows[0];
    expect(row?.spans.map(({ kind, isVoid, attempt }) => [kind, isVoid, attempt])).toEqual([
      ['call', true, 1],
      ['streaming', true, 1],
      ['silence', true, 1],
      ['call', false, 2],
      ['wait', false, 2],
    ]);
    expect(row?.marks.map(({ kind }) => kind)).toEqual(['begun', 'timeout', 'retry', 'again', 'action']);
  });

  it('shows a throttle wait for as long as it was announced, and for shorter where it was cut short', () => {
    const waits = log([0, START], [0, begun()], [100, traced('throttle_wait', 500)], [800, traced('model_call')]);
    expect(spansOf(waits)).toEqual([
      ['call', 0, 100],
      ['throttle', 100, 600],
      ['call', 600, 800],
      ['wait', 800, null],
    ]);
    const cut = log([0, START], [0, begun()], [100, traced('throttle_wait', 9_000)], [800, ended('cancelled')]);
    expect(spansOf(cut)).toEqual([
      ['call', 0, 100],
      ['throttle', 100, 800],
    ]);
  });

  it('shows a repair from the ballot that was spoilt to the call that mends it', () => {
    const events = log(
      [0, START],
      [0, begun()],
      [100, traced('model_call')],
      [200, said],
      [500, traced('ballot_spoilt')],
      [700, traced('model_call')],
      [900, voted],
    );
    expect(spansOf(events)).toEqual([
      ['call', 0, 100],
      ['wait', 100, 200],
      ['streaming', 200, 200],
      ['ballot', 200, 500],
      ['repair', 500, 700],
      ['wait', 700, 900],
    ]);
  });

  it('says nothing of a tool where the ballot was read from the text', () => {
    const events = log([0, START], [0, begun()], [100, said], [900, traced('ballot_fenced')], [900, voted]);
    expect(spansOf(events)).toEqual([
      ['call', 0, 100],
      ['streaming', 100, 100],
    ]);
  });

  it('shows actions that it does not know, and events of types that it does not know', () => {
    const events = log([0, START], [0, begun()], [50, traced('levitate')], [60, { type: 'sung', agentId: 'a' }]);
    expect(marksOf(events)).toEqual([
      ['begun', 0],
      ['action', 50],
      ['action', 60],
    ]);
    expect(timeline(log([0, START], [5, traced('tea', undefined, null)])).general.marks).toMatchObject([
      { kind: 'action', atMs: 5, trace: { action: 'tea' } },
    ]);
  });

  it('shows the time in which no server ran it, and ends there what was going on', () => {
    const events = log(
      [0, START],
      [0, begun()],
      [100, said],
      [9_000, traced('recovery', undefined, null)],
      [9_000, begun(2)],
    );
    const { general, rows } = timeline(events);
    expect(general.spans).toMatchObject([{ kind: 'recovery', fromMs: 100, toMs: 9_000 }]);
    expect(rows[0]?.spans.map(({ kind, toMs }) => [kind, toMs])).toEqual([
      ['call', 100],
      ['streaming', 100],
      ['call', null],
    ]);
  });

  it('ends everything with the terminal event', () => {
    const { rows, isOver } = timeline(log([0, START], [0, begun()], [100, traced('model_call')], [700, OVER]));
    expect(isOver).toBe(true);
    expect(rows[0]?.spans.at(-1)).toMatchObject({ kind: 'wait', toMs: 700 });
  });

  it('gives an agent that no start announced a row of its own', () => {
    const events = log([0, START], [0, { type: 'agent_start', agentId: 'ghost', attempt: 1 }]);
    expect(timeline(events).rows.map(({ agent }) => agent.agentId)).toEqual(['a', 'b', 'ghost']);
  });
});

describe('drawable', () => {
  const flicker: readonly Span[] = Array.from({ length: 5_000 }, (_, place) => ({
    kind: place % 2 === 0 ? 'thinking' : 'streaming',
    fromMs: place,
    toMs: place + 1,
    seq: place + 1,
    attempt: 1,
    isVoid: false,
    nEvents: 1,
  }));

  it('joins what is too short to be seen, without loss of time or of events', () => {
    const drawn = drawable(flicker, 5_000);
    expect(drawn.length).toBeLessThan(700);
    expect(drawn[0]).toMatchObject({ kind: 'mixed', fromMs: 0 });
    expect(drawn.at(-1)?.toMs).toBe(5_000);
    expect(drawn.reduce((sum, { nEvents }) => sum + nEvents, 0)).toBe(5_000);
    drawn.slice(1).forEach((span, place) => expect(span.fromMs).toBe(drawn[place]?.toMs));
  });

  it('leaves few spans as they are', () => {
    expect(drawable(flicker.slice(0, 10), 10)).toEqual(flicker.slice(0, 10));
  });
});

describe('the items of a timeline', () => {
  const events = log(
    [0, START],
    [0, begun()],
    [100, traced('throttle_wait', 5_000)],
    [300, { type: 'agent_start', agentId: 'b', attempt: 1 }],
    [400, { type: 'chunk', agentId: 'b', content: 'x' }],
  );
  const rows = itemRows(timeline(events), 400);

  it('hold nothing that has not happened yet', () => {
    const ends = rows.flatMap(({ items }) => items.map(({ toMs }) => toMs));
    expect(Math.max(...ends)).toBe(400);
    expect(rows[0]?.items.map(({ type }) => type)).not.toHaveLength(0);
    expect(rows[0]?.items.some((item) => item.type === 'span' && item.span.kind === 'call' && item.fromMs > 400)).toBe(
      false,
    );
  });

  it('are reached by the arrow keys, along a row and across the rows by time', () => {
    expect(moved(rows, null, 'ArrowRight')).toEqual({ row: 0, item: 0 });
    expect(moved(rows, { row: 0, item: 0 }, 'ArrowLeft')).toEqual({ row: 0, item: 0 });
    expect(moved(rows, { row: 0, item: 0 }, 'End')).toEqual({ row: 0, item: (rows[0]?.items.length ?? 0) - 1 });
    expect(moved(rows, { row: 0, item: 0 }, 'ArrowDown')).toEqual({ row: 1, item: 0 });
    expect(moved(rows, { row: 1, item: 2 }, 'ArrowUp')).toEqual({ row: 0, item: (rows[0]?.items.length ?? 0) - 1 });
    expect(moved(rows, { row: 1, item: 0 }, 'ArrowDown')).toEqual({ row: 1, item: 0 });
    expect(moved(rows, { row: 0, item: 0 }, 'x')).toBeNull();
    expect(moved([], null, 'ArrowRight')).toBeNull();
  });
});

describe('ticksOf', () => {
  it.each([
    [0, [0]],
    [48_000, [0, 10_000, 20_000, 30_000, 40_000]],
    [900, [0, 200, 400, 600, 800]],
    [1_200, [0, 200, 400, 600, 800, 1_000, 1_200]],
  ])('divides %i ms at round times', (untilMs, expected) => {
    expect(ticksOf(untilMs)).toEqual(expected);
  });
});

describe('shiftsOf', () => {
  const shifts = (...ats: number[]) => [...shiftsOf(ats.map((at, place) => ({ at, place }))).values()];

  it('moves apart what would hide each other, away from the near edge', () => {
    expect(shifts(0.1, 0.11, 0.12, 0.3)).toEqual([0, 1, 2, 0]);
    expect(shifts(0.2, 0.98, 0.99)).toEqual([0, -1, 0]);
    expect(shifts()).toEqual([]);
  });
});
