// @vitest-environment node
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Http } from './http';
import { type Batch, type Line } from './received';
import { openStream } from './stream';
import { frame, logOf, PRELUDE, QUICK, streamTo } from './testing/logs';
import { refuse, refuseInBand, reply, serve } from './testing/webServer';

const LOG = logOf(4);
const http = new Http(() => Promise.resolve(null));
const never = new AbortController().signal;

async function opened(answer: (response: ServerResponse) => void, timing = QUICK): Promise<Line> {
  const server = await serve((_, response) => answer(response));
  return await openStream(http, { method: 'GET', url: server.url }, timing, never);
}

/** Reads until `n` events have come. */
async function seqs(line: Line, n: number): Promise<number[]> {
  const read: number[] = [];
  while (read.length < n) read.push(...(await line.read(0)).received.map(({ event }) => event.seq));
  return read;
}

describe('a stream', () => {
  it('asks for one, and gives its events with their very texts', async () => {
    const server = await serve((_, response) => {
      streamTo(response);
      response.write(LOG.map(frame).join(''));
    });
    const line = await openStream(http, { method: 'GET', url: `${server.url}/x` }, QUICK, never);
    const texts: string[] = [];
    while (texts.length < 4) texts.push(...(await line.read(0)).received.map(({ text }) => text));
    expect(texts).toEqual(LOG);
    expect(server.asked[0]?.headers.accept).toBe('text/event-stream');
    line.close();
  });

  it('gives the same however its bytes are cut', async () => {
    const bytes = Buffer.from(PRELUDE.slice(1020) + LOG.slice(0, 2).map(frame).join(''));
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => pieces.forEach((piece) => controller.enqueue(new Uint8Array(piece))),
      });
      const head = { headers: { 'content-type': 'text/event-stream' } };
      const line = await openStream(
        { send: () => Promise.resolve(new Response(body, head)) } as unknown as Http,
        { method: 'GET', url: 'x' },
        QUICK,
        never,
      );
      const texts: string[] = [];
      while (texts.length < 2) texts.push(...(await line.read(0)).received.map(({ text }) => text));
      expect(texts).toEqual(LOG.slice(0, 2));
      line.close();
    }
  });

  it('gives nothing for a keep-alive, which is a sign of life', async () => {
    const line = await opened((response) => {
      streamTo(response);
      setTimeout(() => response.write(': keep-alive\n\n'), 5);
    });
    expect((await line.read(0)).received).toEqual([]);
    line.close();
  });

  it('is dropped where it ends, cleanly or not', async () => {
    for (const finish of [
      (response: ServerResponse) => response.end(),
      (response: ServerResponse) => response.destroy(),
    ]) {
      const line = await opened((response) => {
        streamTo(response);
        response.write(frame(LOG[0] ?? ''));
        setTimeout(() => finish(response), 5);
      });
      expect(await seqs(line, 1)).toEqual([1]);
      await expect(line.read(1)).rejects.toMatchObject({ name: 'Dropped' });
      line.close();
    }
  });

  it('says what is wrong behind what was good', async () => {
    const line = await opened((response) => {
      streamTo(response);
      response.write(`${frame(LOG[0] ?? '')}data: {"type":"chunk"}\n\n${frame(LOG[1] ?? '')}`);
    });
    let batch: Batch = { received: [] };
    while (batch.received.length === 0) batch = await line.read(0);
    expect(batch.received.map(({ event }) => event.seq)).toEqual([1]);
    expect(batch.fault).toContain('no event');
    line.close();
  });

  it('is at fault where a frame has no end', async () => {
    const line = await opened((response) => {
      streamTo(response);
      const piece = 'x'.repeat(1024 * 1024);
      response.write('data: ');
      for (let n = 0; n < 17; n += 1) response.write(piece);
    });
    let fault: string | undefined;
    while (fault === undefined) fault = (await line.read(0)).fault;
    expect(fault).toContain('frame');
    line.close();
  });

  it('is held back where its first byte does not come in time', async () => {
    const late = { ...QUICK, firstByteMs: 20 };
    await expect(opened(() => undefined, late)).rejects.toMatchObject({ name: 'HeldBack' });
    const headOnly = (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    };
    await expect(opened(headOnly, late)).rejects.toMatchObject({ name: 'HeldBack' });
  });

  it('is held back where it falls silent', async () => {
    const line = await opened(streamTo, { ...QUICK, silenceMs: 20 });
    await expect(line.read(0)).rejects.toMatchObject({ name: 'HeldBack' });
    line.close();
  });

  it('tells events that came late and gathered', async () => {
    const line = await opened(
      (response) => {
        streamTo(response);
        const madeMs = [20, 80, 140].map((ms) => Date.now() + ms);
        const body = madeMs.map((ms, place) =>
          frame(JSON.stringify({ ...JSON.parse(LOG[place] ?? ''), timestamp: new Date(ms).toISOString() })),
        );
        setTimeout(() => response.write(body.join('')), 150);
      },
      { ...QUICK, lateMs: 50 },
    );
    let batch: Batch = { received: [] };
    while (batch.received.length === 0) batch = await line.read(0);
    expect(batch.isHeldBack).toBe(true);
    line.close();
  });

  it('is refused with the problem in the answer, whatever its status', async () => {
    const expected = { name: 'ApiProblem', status: 404, problem: { code: 'deliberation_not_found' } };
    const code = 'deliberation_not_found';
    await expect(opened((response) => refuse(response, 404, code))).rejects.toMatchObject(expected);
    const asSuccess = (response: ServerResponse) => reply(response, 200, { title: '', status: 404, code, detail: '' });
    await expect(opened(asSuccess)).rejects.toMatchObject(expected);
    await expect(opened((response) => refuseInBand(response, 404, code))).rejects.toMatchObject(expected);
  });

  it('is no stream of ours where something else answers', async () => {
    const page = (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    };
    await expect(opened(page)).rejects.toMatchObject({ name: 'Unreachable', status: 200 });
  });

  it('hangs up when it is closed, and when its opening is broken off', async () => {
    const gone = Promise.withResolvers<undefined>();
    const line = await opened((response) => {
      streamTo(response);
      response.on('close', () => gone.resolve(undefined));
    });
    const reading = expect(line.read(0)).rejects.toMatchObject({ name: 'Dropped' });
    line.close();
    await Promise.all([gone.promise, reading]);

    const over = new AbortController();
    const server = await serve(() => over.abort(new Error('left')));
    await expect(openStream(http, { method: 'GET', url: server.url }, QUICK, over.signal)).rejects.toThrow('left');
  });
});
