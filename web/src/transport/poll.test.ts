// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { Http } from './http';
import { Polls } from './poll';
import { logOf, QUICK } from './testing/logs';
import { refuse, reply, serve, type WebServer } from './testing/webServer';

const LOG = logOf(4);
const http = new Http(() => Promise.resolve(null));

function polls(server: WebServer): Polls {
  return new Polls(
    http,
    (after, waitS) => ({ method: 'GET', url: `${server.url}/e?after=${after}&wait=${waitS}` }),
    QUICK,
  );
}

describe('polling', () => {
  it('asks once without waiting, then with patience, and gives the very texts', async () => {
    const server = await serve((asked, response) => {
      const after = Number(asked.query.get('after'));
      response.end(`{"events":[${LOG.slice(after, after + 3).join(',')}],"cursor":9,"done":${after > 0}}`);
    });
    const line = polls(server);
    const first = await line.read(0);
    expect(first.received.map(({ text }) => text)).toEqual(LOG.slice(0, 3));
    expect(first.isDone).toBe(false);
    expect((await line.read(3)).isDone).toBe(true);
    expect(server.asked.map(({ query }) => query.get('wait'))).toEqual(['0', '0.05']);
  });

  it('says what is wrong behind what was good', async () => {
    const server = await serve((_, response) => {
      response.end(`{"events":[${LOG[0] ?? ''},{"type":3}],"cursor":2,"done":false}`);
    });
    const batch = await polls(server).read(0);
    expect(batch.received).toHaveLength(1);
    expect(batch.fault).toContain('no event');
  });

  it('is refused as everything is', async () => {
    const gone = await serve((_, response) => refuse(response, 404, 'deliberation_not_found'));
    await expect(polls(gone).read(0)).rejects.toMatchObject({ name: 'ApiProblem', status: 404 });
    const success = await serve((_, response) => refuse(response, 200, 'gone', { status: 404 }));
    await expect(polls(success).read(0)).rejects.toMatchObject({ name: 'ApiProblem', status: 404 });
    const page = await serve((_, response) => reply(response, 200, { something: 'else' }));
    await expect(polls(page).read(0)).rejects.toMatchObject({ name: 'Unreachable', status: 200 });
  });

  it('is dropped when it is closed', async () => {
    const server = await serve(() => undefined);
    const line = polls(server);
    const reading = expect(line.read(0)).rejects.toMatchObject({ name: 'Dropped' });
    line.close();
    await reading;
  });
});
