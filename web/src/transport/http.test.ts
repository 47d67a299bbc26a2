// @vitest-environment node
import { describe, expect, it, vi } from 'vitest';
import { ApiProblem, Unreachable } from '@/protocol/failures';
import { Http } from './http';
import { refuse, refuseInBand, reply, serve } from './testing/webServer';

const open = () => Promise.resolve(null);
const isAny = () => true;

describe('a request', () => {
  it('carries the token, its JSON, and what it accepts', async () => {
    const server = await serve((_, response) => reply(response, 200, { ok: 1 }));
    const http = new Http(() => Promise.resolve('secret'));
    expect(await http.json({ method: 'PUT', url: `${server.url}/x`, body: { a: 1 } }, isAny)).toEqual({ ok: 1 });
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'PUT', path: '/x', body: { a: 1 } });
    expect(asked?.headers).toMatchObject({
      authorization: 'Bearer secret',
      accept: 'application/json',
      'content-type': 'application/json',
    });
  });

  it('carries no token where there is none', async () => {
    const server = await serve((_, response) => reply(response, 200, {}));
    await new Http(open).json({ method: 'GET', url: server.url }, isAny);
    expect(server.asked[0]?.headers.authorization).toBeUndefined();
    expect(server.asked[0]?.headers['content-type']).toBeUndefined();
  });

  it('is sent again with a new token where the first was refused', async () => {
    const server = await serve((asked, response) =>
      asked.headers.authorization === 'Bearer new' ? reply(response, 200, {}) : refuse(response, 401, 'unauthorized'),
    );
    const token = vi.fn((isRefused?: boolean) => Promise.resolve(isRefused === true ? 'new' : 'old'));
    await new Http(token).json({ method: 'POST', url: server.url, body: {} }, isAny);
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    expect(server.asked.map(({ body }) => body)).toEqual([{}, {}]);
  });

  it('is sent again where a platform hands the refusal of its token on as a success', async () => {
    const server = await serve((asked, response) => {
      if (asked.headers.authorization === 'Bearer new') reply(response, 200, {});
      else refuseInBand(response, 401, 'unauthenticated');
    });
    const http = new Http((isRefused) => Promise.resolve(isRefused === true ? 'new' : 'old'));
    await http.json({ method: 'POST', url: server.url, body: {} }, isAny);
    expect(server.asked).toHaveLength(2);
  });

  it('is sent again where what stands before the server refuses its token', async () => {
    const server = await serve((asked, response) =>
      reply(response, asked.headers.authorization === 'Bearer new' ? 200 : 401, { message: 'Token has expired' }),
    );
    const http = new Http((isRefused) => Promise.resolve(isRefused === true ? 'new' : 'old'));
    await http.json({ method: 'POST', url: server.url, body: {} }, isAny);
    expect(server.asked).toHaveLength(2);
  });

  it('is not sent a third time', async () => {
    const server = await serve((_, response) => refuse(response, 401, 'unauthorized'));
    const failed = new Http(() => Promise.resolve('t')).json({ method: 'GET', url: server.url }, isAny);
    await expect(failed).rejects.toMatchObject({ status: 401, problem: { code: 'unauthorized' } });
    expect(server.asked).toHaveLength(2);
  });

  it('is not sent again where no other token is to be had', async () => {
    const server = await serve((_, response) => refuse(response, 401, 'unauthorized'));
    const failed = new Http((isRefused) => Promise.resolve(isRefused === true ? null : 't')).confirm({
      method: 'GET',
      url: server.url,
    });
    await expect(failed).rejects.toBeInstanceOf(ApiProblem);
    expect(server.asked).toHaveLength(1);
  });

  it('is not sent where the sign-in cannot be renewed, and that may pass', async () => {
    const failed = new Http(() => Promise.reject(new Error('offline'))).confirm({ method: 'GET', url: 'http://x' });
    await expect(failed).rejects.toMatchObject({ name: 'Unreachable', status: null });
  });
});

describe('what an answer comes to', () => {
  it('is a problem where one is in it, with its time to wait', async () => {
    const server = await serve((_, response) => {
      response.setHeader('retry-after', '7');
      refuse(response, 429, 'too_many', { retryable: true });
    });
    const failed = new Http(open).json({ method: 'GET', url: server.url }, isAny);
    await expect(failed).rejects.toMatchObject({ name: 'ApiProblem', status: 429, retryAfterS: 7 });
  });

  it('has its time to wait from the body where no header arrives', async () => {
    const server = await serve((_, response) => refuseInBand(response, 429, 'rate_limited', { retryAfter: 12 }));
    const failed = new Http(open).send({ method: 'POST', url: server.url, body: {} });
    await expect(failed).rejects.toMatchObject({ name: 'ApiProblem', status: 429, retryAfterS: 12 });
  });

  it.each(['', 'Fri, 20 Nov 2026 07:28:00 GMT'])('names no time to wait where the header is "%s"', async (given) => {
    const server = await serve((_, response) => {
      response.setHeader('retry-after', given);
      refuse(response, 503, 'log_unavailable');
    });
    const failed = new Http(open).send({ method: 'GET', url: server.url });
    await expect(failed).rejects.toMatchObject({ status: 503, retryAfterS: null });
  });

  it("is the runtime's own problem where the platform answers 424 for it", async () => {
    const problem = { title: 'Not Found', status: 404, code: 'deliberation_not_found', detail: 'There is none.' };
    const server = await serve((_, response) => reply(response, 424, problem));
    const failed = new Http(open).json({ method: 'GET', url: server.url }, isAny);
    await expect(failed).rejects.toMatchObject({ name: 'ApiProblem', status: 404, problem });
  });

  it('is a problem where the platform hands one on as a success', async () => {
    const server = await serve((_, response) => refuse(response, 200, 'x', { status: 409, code: 'conflict' }));
    const http = new Http(open);
    const expected = { name: 'ApiProblem', status: 409, problem: { code: 'conflict' } };
    await expect(http.json({ method: 'GET', url: server.url }, isAny)).rejects.toMatchObject(expected);
    await expect(http.confirm({ method: 'GET', url: server.url })).rejects.toMatchObject(expected);
  });

  it.each([
    [502, '<html>Bad Gateway</html>'],
    [200, '<html>The page</html>'],
    [200, '[1]'],
    [200, ''],
  ])('is no server of ours where it is %d with %s', async (status, body) => {
    const server = await serve((_, response) => {
      response.writeHead(status).end(body);
    });
    const failed = new Http(open).json({ method: 'GET', url: server.url }, (fields) => 'items' in fields);
    await expect(failed).rejects.toMatchObject({ name: 'Unreachable', status });
  });

  it('is nobody where nothing listens', async () => {
    const server = await serve(() => undefined);
    await server.close();
    const failed = new Http(open).json({ method: 'GET', url: server.url }, isAny);
    await expect(failed).rejects.toMatchObject({ name: 'Unreachable', status: null });
  });

  it('is nobody where the answer breaks off', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"a":');
      setTimeout(() => response.destroy(), 5);
    });
    await expect(new Http(open).json({ method: 'GET', url: server.url }, isAny)).rejects.toBeInstanceOf(Unreachable);
  });

  it('is nobody where it does not come in 30 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const server = await serve(() => undefined);
      const failed = expect(new Http(open).text({ method: 'GET', url: server.url, waitS: 20 })).rejects.toMatchObject({
        name: 'Unreachable',
        status: null,
      });
      await vi.advanceTimersByTimeAsync(50_000);
      await failed;
    } finally {
      vi.useRealTimers();
    }
  });

  it("is the signal's reason where it is aborted", async () => {
    const over = new AbortController();
    const server = await serve(() => over.abort(new Error('left')));
    const failed = new Http(open).json({ method: 'GET', url: server.url, signal: over.signal }, isAny);
    await expect(failed).rejects.toThrow('left');
  });
});
