import { expect, it } from 'vitest';
import type { MagiEvent } from '@/protocol/types';
import { trackOf } from './replayTrack';

type Draft = Record<string, unknown> & { readonly type: string };

function log(...drafts: (readonly [atMs: number, draft: Draft])[]): readonly MagiEvent[] {
  return drafts.map(
    ([atMs, draft], place) =>
      ({ ...draft, seq: place + 1, timestamp: new Date(atMs).toISOString() }) as unknown as MagiEvent,
  );
}

const agents = ['a', 'b'].map((agentId) => ({ agentId, name: agentId, role: 'sage', model: 'm' }));
const start: Draft = { type: 'start', council: { agents } };

it('draws each attempt from its beginning to its end, and says which of them were voided', () => {
  const track = trackOf(
    log(
      [0, start],
      [100, { type: 'agent_start', agentId: 'a', attempt: 1 }],
      [300, { type: 'agent_start', agentId: 'a', attempt: 2 }],
      [500, { type: 'vote', agentId: 'a', decision: 'APPROVED' }],
      [600, { type: 'agent_complete', agentId: 'a', status: 'voted' }],
      [1_000, { type: 'error' }],
    ),
  );
  expect(track.rows[0]?.stretches).toEqual([
    { from: 0.1, to: 0.3, isVoid: true },
    { from: 0.3, to: 0.6, isVoid: false },
  ]);
  expect(track.rows[0]?.marks.map(({ at, moment }) => [at, moment.kind])).toEqual([
    [0.3, 'again'],
    [0.5, 'vote'],
  ]);
  expect(track.rows[1]).toMatchObject({ stretches: [], marks: [] });
  expect(track.general.map(({ at, moment }) => [at, moment.kind])).toEqual([[1, 'end']]);
});

it('draws a lane that never ended up to the last event, and a log of no length at its beginning', () => {
  const begun = { type: 'agent_start', agentId: 'a', attempt: 1 };
  expect(trackOf(log([0, start], [0, begun], [10, { type: 'error' }])).rows[0]?.stretches).toEqual([
    { from: 0, to: 1, isVoid: false },
  ]);
  expect(trackOf(log([0, start], [0, begun])).rows[0]?.stretches).toEqual([{ from: 0, to: 0, isVoid: false }]);
  expect(trackOf([])).toEqual({ rows: [], general: [] });
});
