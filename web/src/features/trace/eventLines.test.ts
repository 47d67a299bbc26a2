import { describe, expect, it } from 'vitest';
import type { MagiEvent } from '@/protocol/types';
import { ALL, filtered, jsonLines, lineOf, NO_AGENT, typesOf, windowOf } from './eventLines';

const EVENTS = [
  { type: 'start', seq: 1, timestamp: 't' },
  { type: 'chunk', seq: 2, timestamp: 't', agentId: 'a', content: 'one\ntwo' },
  { type: 'trace', seq: 3, timestamp: 't', agentId: null, trace: { action: 'x', details: 'y' } },
  { type: 'chunk', seq: 4, timestamp: 't', agentId: 'b', content: 'z'.repeat(1_000) },
] as unknown as readonly MagiEvent[];
const seqs = (events: readonly MagiEvent[]) => events.map(({ seq }) => seq);

describe('filtered', () => {
  it('narrows by agent, by type and by both; events of no agent are found as such', () => {
    expect(filtered(EVENTS, ALL)).toBe(EVENTS);
    expect(seqs(filtered(EVENTS, { agentId: 'a', type: null }))).toEqual([2]);
    expect(seqs(filtered(EVENTS, { agentId: null, type: 'chunk' }))).toEqual([2, 4]);
    expect(seqs(filtered(EVENTS, { agentId: 'b', type: 'trace' }))).toEqual([]);
    expect(seqs(filtered(EVENTS, { agentId: NO_AGENT, type: null }))).toEqual([1, 3]);
  });
});

describe('lines', () => {
  it('hold one whole event each', () => {
    const lines = jsonLines(EVENTS).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(EVENTS);
    expect(typesOf(EVENTS)).toEqual(['start', 'chunk', 'trace']);
  });

  it('are cut for a row, and say so', () => {
    const long = EVENTS[3];
    expect(long && lineOf(long)).toMatch(/^\{"type":"chunk","seq":4.{200,}z…$/);
  });
});

describe('windowOf', () => {
  it('gives what is in sight, and some around it, within the list', () => {
    expect(windowOf(10_000, 28, 0, 280, 5)).toEqual({ from: 0, to: 15 });
    expect(windowOf(10_000, 28, 28_000, 280, 5)).toEqual({ from: 995, to: 1_015 });
    expect(windowOf(10_000, 28, 279_720, 280, 5)).toEqual({ from: 9_985, to: 10_000 });
    // The list has become shorter than it was scrolled to.
    expect(windowOf(3, 28, 28_000, 280, 5)).toEqual({ from: 3, to: 3 });
    expect(windowOf(0, 28, 0, 280)).toEqual({ from: 0, to: 0 });
  });
});
