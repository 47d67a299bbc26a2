// @vitest-environment node
/** A deliberation as the pages see it, followed over real HTTP. */
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { MagiEvent } from '@/protocol/types';
import { directApi, directWays } from '@/transport/direct';
import { Http } from '@/transport/http';
import { FakePage, frame, QUICK, streamTo } from '@/transport/testing/logs';
import { refuse, reply, serve, type Answer, type WebServer } from '@/transport/testing/webServer';
import type { LiveDeliberation, Snapshot } from './live';
import { Registry } from './registry';

const GRACE_MS = 40;
const LANES = ['caspar', 'balthasar', 'melchior'];
const AT_MS = Date.UTC(2026, 0, 1, 12);
const STATE = { status: 'running', cursor: 0, lanes: [] };

/** A log of that many pieces of text in three lanes, with its digest. */
function logOf(nChunks: number): string[] {
  const texts: string[] = [];
  const add = (type: string, fields: object) => {
    const seq = texts.length + 1;
    texts.push(JSON.stringify({ type, seq, timestamp: new Date(AT_MS + seq).toISOString(), ...fields }));
  };
  const agents = LANES.map((agentId) => ({ agentId, name: agentId, role: 'sage', model: 'embedded' }));
  const council = { id: 'magi', rule: 'majority', agents };
  add('start', { deliberationId: 'd', sessionId: 's', question: '?', mode: 'deliberate', council });
  for (const agentId of LANES) add('agent_start', { agentId, attempt: 1, model: 'embedded' });
  for (let n = 0; n < nChunks; n += 1) add('chunk', { agentId: LANES[n % 3], content: `word ${n} and “more” ` });
  const digest = createHash('sha256').update(texts.map((text) => `${text}\n`).join(''));
  const missing: unknown[] = [];
  add('complete', {
    outcome: 'inconclusive',
    tally: { approved: 0, rejected: 0, abstained: 0, failed: 3 },
    authority: { votersExpected: 3, votersValid: 0, judge: 'none', rule: 'majority', overturned: false, missing },
    usage: { inputTokens: 0, outputTokens: 0 },
    executionTime: 1,
    chunkCount: nChunks,
    digest: `sha256:${digest.digest('hex')}`,
  });
  return texts;
}

const LOG = logOf(9);

/** Streams what `send` gives, from the cursor on. */
function streaming(send: (write: (last: number) => void, after: number) => void): Answer {
  return (asked, response) => {
    let sent = Number(asked.query.get('after'));
    streamTo(response);
    send((last) => {
      response.write(LOG.slice(sent, last).map(frame).join(''));
      sent = last;
    }, sent);
  };
}

let frames: (() => void)[] = [];

/** Lets the screen draw once. */
function draw(): void {
  const due = frames;
  frames = [];
  for (const run of due) run();
}

function registryOf(server: WebServer): Registry {
  const http = new Http(() => Promise.resolve(null));
  const ways = directWays(http, server.url, null, QUICK);
  return new Registry({
    api: directApi(http, server.url),
    ways,
    page: new FakePage(),
    timing: QUICK,
    graceMs: GRACE_MS,
  });
}

async function until(live: LiveDeliberation, holds: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
  return await vi.waitFor(
    () => {
      draw();
      const snapshot = live.snapshot();
      if (!holds(snapshot)) throw new Error('it does not hold yet');
      return snapshot;
    },
    { interval: 2, timeout: 3_000 },
  );
}

const ended = ({ connection }: Snapshot) => connection.kind === 'ended';

vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
vi.stubGlobal('cancelAnimationFrame', () => undefined);

beforeEach(() => {
  frames = [];
});

/** Listens until the test is finished. */
function listen(live: LiveDeliberation, listener: () => void = () => undefined): void {
  onTestFinished(live.subscribe(listener));
}

describe('a deliberation that is followed', () => {
  it('is not, before somebody listens', async () => {
    const server = await serve(streaming((write) => write(LOG.length)));
    const live = registryOf(server).deliberation('d');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(server.asked).toEqual([]);
    expect(live.snapshot()).toMatchObject({ connection: { kind: 'connecting' }, events: [], stopping: 'no' });
  });

  it('shows the state, the events, the times, and that they are proved', async () => {
    const server = await serve(streaming((write) => write(LOG.length)));
    const live = registryOf(server).deliberation('d');
    listen(live);
    const snapshot = await until(live, ({ verified }) => verified !== null);
    expect(snapshot.events.map((event: MagiEvent) => JSON.stringify(event))).toEqual(LOG);
    expect(snapshot.verified).toBe(true);
    expect(snapshot.state.complete?.outcome).toBe('inconclusive');
    expect(snapshot.state.lanes.map(({ text }) => text.split(' ').length)).toEqual([13, 13, 13]);
    expect(snapshot.times['caspar']).toEqual({
      startedAt: AT_MS + 2,
      firstTextAt: AT_MS + 5,
      lastTextAt: AT_MS + 11,
      votedAt: null,
      endedAt: null,
    });
  });

  it('says so where the events are not those of the digest', async () => {
    const server = await serve((_, response) => {
      streamTo(response);
      response.write(LOG.map((text) => frame(text.replace('word 4', 'word 5'))).join(''));
    });
    const live = registryOf(server).deliberation('d');
    listen(live);
    expect((await until(live, ({ verified }) => verified !== null)).verified).toBe(false);
  });

  it('is proved through drops', async () => {
    const server = await serve((asked, response) => {
      const after = Number(asked.query.get('after'));
      streamTo(response);
      response.write(
        LOG.slice(after, after + 1)
          .map(frame)
          .join(''),
        () => setTimeout(() => response.destroy(), 1),
      );
    });
    const live = registryOf(server).deliberation('d');
    listen(live);
    expect((await until(live, ({ verified }) => verified !== null)).verified).toBe(true);
    expect(server.asked).toHaveLength(LOG.length);
  });

  it('calls once a frame of the screen, and shows nothing new between two', async () => {
    let write: (last: number) => void = () => undefined;
    const server = await serve(
      streaming((give) => {
        write = give;
        give(4);
      }),
    );
    const live = registryOf(server).deliberation('d');
    const listener = vi.fn();
    listen(live, listener);
    const before = await until(live, ({ state }) => state.cursor === 4);
    listener.mockClear();
    write(5);
    await vi.waitFor(() => expect(frames).toHaveLength(1));
    write(8);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(frames).toHaveLength(1);
    expect(live.snapshot()).toBe(before);
    expect(listener).not.toHaveBeenCalled();
    draw();
    expect(listener).toHaveBeenCalledTimes(1);
    expect(live.snapshot().state.cursor).toBe(8);
    expect(live.snapshot()).toBe(live.snapshot());
  });

  it('keeps the objects of what did not change', async () => {
    let write: (last: number) => void = () => undefined;
    const server = await serve(
      streaming((give) => {
        write = give;
        give(7);
      }),
    );
    const live = registryOf(server).deliberation('d');
    listen(live);
    const before = await until(live, ({ state }) => state.cursor === 7);
    const { events } = before;
    write(8);
    const after = await until(live, ({ state }) => state.cursor === 8);
    expect(after.state.lanes[0]).not.toBe(before.state.lanes[0]);
    expect(after.state.lanes.slice(1)).toEqual(before.state.lanes.slice(1));
    expect(after.state.lanes[1]).toBe(before.state.lanes[1]);
    expect(after.times['melchior']).toBe(before.times['melchior']);
    expect(after.state.start).toBe(before.state.start);
    expect(after.connection).toBe(before.connection);
    expect(events).toHaveLength(7);
    expect(after.events).toHaveLength(8);
    expect(after.events).toBe(after.events);
  });

  it('shows the events of its own time, though they are first asked for later', async () => {
    let write: (last: number) => void = () => undefined;
    const server = await serve(
      streaming((give) => {
        write = give;
        give(5);
      }),
    );
    const live = registryOf(server).deliberation('d');
    listen(live);
    const before = await until(live, ({ state }) => state.cursor === 5);
    write(LOG.length);
    await until(live, ended);
    expect(before.events).toHaveLength(5);
  });

  it('is one object for all, follows on through a short absence, and ends after a long one', async () => {
    const gone = vi.fn();
    const server = await serve((asked, response) => {
      streamTo(response);
      response.on('close', gone);
      const after = Number(asked.query.get('after'));
      response.write(
        LOG.slice(after, after + 6)
          .map(frame)
          .join(''),
      );
      if (after > 0)
        response.write(
          LOG.slice(after + 6)
            .map(frame)
            .join(''),
        );
    });
    const registry = registryOf(server);
    const live = registry.deliberation('d');
    const leave = live.subscribe(() => undefined);
    await until(live, ({ state }) => state.cursor === 6);
    leave();
    const leaveAgain = live.subscribe(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 2 * GRACE_MS));
    expect(registry.deliberation('d')).toBe(live);
    expect(gone).not.toHaveBeenCalled();
    leaveAgain();
    await vi.waitFor(() => expect(gone).toHaveBeenCalled());
    expect(registry.deliberation('d')).not.toBe(live);
    // Whoever still holds it goes on from where it was.
    listen(live);
    expect((await until(live, ({ verified }) => verified !== null)).verified).toBe(true);
    expect(server.asked.map(({ query }) => query.get('after'))).toEqual(['0', '6']);
  });

  it('shows a refusal, and tries again when told to', async () => {
    let isThere = false;
    const server = await serve((asked, response) => {
      if (isThere) return streaming((write) => write(LOG.length))(asked, response);
      refuse(response, 404, 'deliberation_not_found');
    });
    const live = registryOf(server).deliberation('d');
    listen(live);
    const { connection } = await until(live, (snapshot) => snapshot.connection.kind === 'refused');
    expect(connection).toMatchObject({ error: { status: 404 } });
    isThere = true;
    live.reconnect();
    await until(live, ended);
  });
});

describe('stopping', () => {
  function stoppable(onCancel: Answer): Answer {
    return (asked, response) => {
      if (asked.method === 'POST') return onCancel(asked, response);
      return streaming((write) => {
        write(4);
        finish = () => write(LOG.length);
      })(asked, response);
    };
  }
  let finish: () => void = () => undefined;

  it('is asked for once, and is over when the log has ended', async () => {
    const server = await serve(stoppable((_, response) => reply(response, 200, STATE)));
    const live = registryOf(server).deliberation('d');
    listen(live);
    await until(live, ({ state }) => state.cursor === 4);
    const stopped = Promise.all([live.stop(), live.stop()]);
    await until(live, ({ stopping }) => stopping === 'asked');
    await stopped;
    expect((await until(live, ({ stopping }) => stopping === 'asked')).state.status).toBe('running');
    finish();
    expect((await until(live, ended)).stopping).toBe('no');
    await live.stop();
    expect(server.asked.filter(({ method }) => method === 'POST').map(({ path }) => path)).toEqual([
      '/deliberations/d/cancel',
    ]);
  });

  it('says that it failed, and can be asked for again', async () => {
    let isUp = false;
    const server = await serve(
      stoppable((_, response) => (isUp ? reply(response, 200, STATE) : refuse(response, 409, 'runs_elsewhere'))),
    );
    const live = registryOf(server).deliberation('d');
    listen(live);
    await until(live, ({ state }) => state.cursor === 4);
    await live.stop();
    await until(live, ({ stopping }) => stopping === 'failed');
    isUp = true;
    await live.stop();
    await until(live, ({ stopping }) => stopping === 'asked');
  });
});

it('opens a log of 10,000 events in few frames, not in one for each', async () => {
  const long = logOf(10_000);
  const server = await serve((_, response) => {
    streamTo(response);
    response.write(long.map(frame).join(''));
  });
  const live = registryOf(server).deliberation('d');
  const listener = vi.fn();
  listen(live, listener);
  const snapshot = await until(live, ({ verified }) => verified !== null);
  expect(snapshot.verified).toBe(true);
  expect(snapshot.events).toHaveLength(long.length);
  expect(listener.mock.calls.length).toBeLessThan(200);
});
