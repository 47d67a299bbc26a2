import { describe, expect, test } from 'vitest';
import type { Connection, LiveDeliberation, Snapshot } from '@/live/live';
import { ApiProblem, Unreachable } from '@/transport/api';
import { EMPTY, foldAll } from '@/protocol/fold';
import type { MagiEvent } from '@/protocol/types';
import { eventsUntil } from './exporting';

const chunk = (seq: number): MagiEvent => ({
  type: 'chunk',
  seq,
  timestamp: '2026-03-14T10:00:00.000Z',
  agentId: 'caspar',
  content: 'x',
});

class ScriptedLive implements LiveDeliberation {
  readonly id = 'a';
  readonly listeners = new Set<() => void>();
  #snapshot: Snapshot = {
    state: EMPTY,
    times: {},
    connection: { kind: 'connecting' },
    stopping: 'no',
    events: [],
    verified: null,
  };
  readonly snapshot = () => this.#snapshot;
  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  stop = () => Promise.resolve();
  reconnect = () => undefined;

  become(events: readonly MagiEvent[], connection: Connection) {
    this.#snapshot = { ...this.#snapshot, events, connection, state: foldAll(events) };
    for (const listener of [...this.listeners]) listener();
  }
}

const open: Connection = { kind: 'open', carrier: 'stream' };
const never = new AbortController().signal;

describe('the events of an export', () => {
  test('are those up to the cursor, though the log runs on', async () => {
    const live = new ScriptedLive();
    const events = eventsUntil(live, 2, never);
    live.become([chunk(1)], open);
    live.become([chunk(1), chunk(2)], open);
    expect((await events).map(({ seq }) => seq)).toEqual([1, 2]);
    expect(live.listeners.size).toBe(0);
  });

  test('are there at once where the log was followed already', async () => {
    const live = new ScriptedLive();
    live.become([chunk(1)], { kind: 'ended' });
    expect(await eventsUntil(live, 1, never)).toHaveLength(1);
    expect(live.listeners.size).toBe(0);
  });

  test('fail with the refusal, and where nobody answers for long', async () => {
    const refusal = new ApiProblem(404, { title: '', status: 404, code: 'deliberation_not_found', detail: '' });
    const refused = new ScriptedLive();
    const first = eventsUntil(refused, 1, never);
    refused.become([], { kind: 'refused', error: refusal });
    await expect(first).rejects.toBe(refusal);
    const lost = new ScriptedLive();
    const second = eventsUntil(lost, 1, never);
    lost.become([], { kind: 'lost', sinceMs: 0, tries: 2 });
    expect(lost.listeners.size).toBe(1);
    lost.become([], { kind: 'lost', sinceMs: 0, tries: 3 });
    await expect(second).rejects.toBeInstanceOf(Unreachable);
  });

  test('are not waited for when nobody wants them any more', async () => {
    const live = new ScriptedLive();
    const closing = new AbortController();
    const events = eventsUntil(live, 1, closing.signal);
    closing.abort();
    await expect(events).rejects.toHaveProperty('name', 'AbortError');
    expect(live.listeners.size).toBe(0);
  });
});
