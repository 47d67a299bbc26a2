// @vitest-environment node
import { describe, expect, it, vi } from 'vitest';
import type { TokenSource } from './http';
import { SharedSocket, socketUrl } from './socket';
import { FakePage, logOf, QUICK } from './testing/logs';
import type { ServerSocket } from './testing/serverSocket';
import { serve } from './testing/webServer';

const LOG = logOf(4);
const never = new AbortController().signal;

type Message = Readonly<Record<string, unknown>>;

/** A server of sockets; `answer` says what comes to each message, `resumed` where it is not said. */
async function served(
  answer: (message: Message, socket: ServerSocket) => void,
  timing = QUICK,
  token: TokenSource | null = null,
) {
  const sockets: ServerSocket[] = [];
  const messages: Message[] = [];
  const server = await serve(
    () => undefined,
    (socket) => {
      sockets.push(socket);
      socket.onMessage = (message) => {
        if (message === null) return;
        messages.push(message);
        answer(message, socket);
      };
    },
  );
  const page = new FakePage();
  return {
    shared: new SharedSocket(socketUrl(server.url, 'http://x'), token, timing, page),
    page,
    sockets,
    messages,
    server,
  };
}

function resumed({ deliberationId, after, requestId }: Message, socket: ServerSocket): void {
  socket.send({ type: 'resumed', deliberationId, after, requestId });
}

const eventsOf = (id: unknown, texts: readonly string[]): string =>
  `{"type":"events","deliberationId":${JSON.stringify(id)},"events":[${texts.join(',')}]}`;

describe('a deliberation on the socket', () => {
  it('is asked for from a cursor, and comes with its very texts and its end', async () => {
    const { shared, messages } = await served((message, socket) => {
      resumed(message, socket);
      socket.sendText(eventsOf('d', LOG.slice(2)));
      socket.send({ type: 'ended', deliberationId: 'd', cursor: 4 });
    });
    const line = await shared.open('d', 2, never);
    let texts: string[] = [];
    for (let isDone = false; !isDone;) {
      const batch = await line.read(2);
      texts = [...texts, ...batch.received.map(({ text }) => text)];
      isDone = batch.isDone === true;
    }
    expect(texts).toEqual(LOG.slice(2));
    expect(messages).toMatchObject([{ action: 'resume', deliberationId: 'd', after: 2 }]);
    line.close();
  });

  it('comes whole where a message is in parts, with a part before that was not finished', async () => {
    const { shared } = await served((message, socket) => {
      resumed(message, socket);
      const text = eventsOf('d', LOG);
      const part = (index: number, of: number, from: number, to: number) => {
        socket.send({ type: 'part', index, of, text: text.slice(from, to) });
      };
      part(0, 3, 0, 10);
      part(0, 3, 0, 100);
      part(1, 3, 100, 140);
      part(2, 3, 140, text.length);
    });
    const line = await shared.open('d', 0, never);
    expect((await line.read(0)).received.map(({ text }) => text)).toEqual(LOG);
    line.close();
  });

  it.each([
    ['a part is missing', '{"type":"part","index":1,"of":2,"text":"x"}'],
    ['what comes is not JSON', 'hello'],
  ])('is dropped where %s', async (_, text) => {
    const { shared } = await served((message, socket) => {
      resumed(message, socket);
      socket.sendText(text);
    });
    const line = await shared.open('d', 0, never);
    await expect(line.read(0)).rejects.toMatchObject({ name: 'Dropped' });
  });

  it.each([
    ['stops', (socket: ServerSocket) => socket.close(1012)],
    ['is cut', (socket: ServerSocket) => socket.cut()],
  ])('is dropped where the server %s, behind what came before', async (_, finish) => {
    const { shared } = await served((message, socket) => {
      resumed(message, socket);
      socket.sendText(eventsOf('d', LOG.slice(0, 2)));
      setTimeout(() => finish(socket), 5);
    });
    const line = await shared.open('d', 0, never);
    expect((await line.read(0)).received).toHaveLength(2);
    await expect(line.read(2)).rejects.toMatchObject({ name: 'Dropped' });
  });

  it('is refused with the code of the error', async () => {
    const { shared } = await served(({ deliberationId, requestId }, socket) => {
      const error = { code: 'deliberation_not_found', message: 'There is none.', retryable: false };
      socket.send({ type: 'error', error, deliberationId, requestId });
    });
    await expect(shared.open('d', 0, never)).rejects.toMatchObject({
      name: 'ApiProblem',
      status: 404,
      problem: { code: 'deliberation_not_found', detail: 'There is none.' },
    });
  });

  it('goes elsewhere where the socket follows as many as it may', async () => {
    const { shared } = await served(({ requestId }, socket) => {
      // Without an id: it is refused before anything is known of it.
      const error = { code: 'socket_busy', message: 'Too many.', retryable: true };
      socket.send({ type: 'error', error, requestId });
    });
    await expect(shared.open('d', 0, never)).rejects.toMatchObject({ name: 'NoSocket' });
  });

  it('is refused in the middle, where somebody deletes it', async () => {
    const { shared } = await served((message, socket) => {
      resumed(message, socket);
      const error = { code: 'deliberation_not_found', message: 'It was deleted.', retryable: false };
      socket.send({ type: 'error', error, deliberationId: 'd' });
    });
    const line = await shared.open('d', 0, never);
    await expect(line.read(0)).rejects.toMatchObject({ name: 'ApiProblem', status: 404 });
  });

  it('hears nothing of a following before its own', async () => {
    const { shared } = await served((message, socket) => {
      socket.sendText(eventsOf('d', LOG.slice(0, 1)));
      socket.send({ type: 'ended', deliberationId: 'd', cursor: 1 });
      resumed(message, socket);
      socket.sendText(eventsOf('d', LOG.slice(1, 2)));
    });
    const line = await shared.open('d', 1, never);
    const batch = await line.read(1);
    expect(batch.received.map(({ event }) => event.seq)).toEqual([2]);
    expect(batch.isDone).not.toBe(true);
    line.close();
  });

  it('is held back where nothing is heard on the socket in time', async () => {
    const { shared } = await served(() => undefined, { ...QUICK, firstByteMs: 20 });
    await expect(shared.open('d', 0, never)).rejects.toMatchObject({ name: 'HeldBack' });
  });

  it('is asked for again where the socket is silent, and goes on where it answers', async () => {
    const { shared, messages } = await served(
      (message, socket) => {
        resumed(message, socket);
        if (message['requestId'] !== 'd#1') socket.sendText(eventsOf('d', LOG.slice(0, 1)));
      },
      { ...QUICK, silenceMs: 20 },
    );
    const line = await shared.open('d', 0, never);
    let received = (await line.read(0)).received;
    while (received.length === 0) received = (await line.read(0)).received;
    expect(received.map(({ event }) => event.seq)).toEqual([1]);
    expect(messages[1]).toMatchObject({ action: 'resume', after: 0, requestId: 'd#2' });
    line.close();
  });

  it('is dropped with the socket where that does not answer, and comes on another one', async () => {
    const { shared, sockets } = await served(
      (message, socket) => {
        if (message['requestId'] === 'd#1') resumed(message, socket);
      },
      { ...QUICK, silenceMs: 20, firstByteMs: 20 },
    );
    const line = await shared.open('d', 0, never);
    await expect(line.read(0)).rejects.toMatchObject({ name: 'Dropped' });
    (await shared.open('d', 0, never)).close();
    expect(sockets).toHaveLength(2);
  });

  it('tells events that came late and gathered', async () => {
    const { shared } = await served(
      (message, socket) => {
        resumed(message, socket);
        const texts = [20, 80, 140].map((ms, place) => {
          const timestamp = new Date(Date.now() + ms).toISOString();
          return JSON.stringify({ ...JSON.parse(LOG[place] ?? ''), timestamp });
        });
        setTimeout(() => socket.sendText(eventsOf('d', texts)), 150);
      },
      { ...QUICK, lateMs: 50 },
    );
    const line = await shared.open('d', 0, never);
    expect((await line.read(0)).isHeldBack).toBe(true);
    line.close();
  });
});

describe('the socket of a page', () => {
  it('is one for all its deliberations, and closes behind the last', async () => {
    const closed = Promise.withResolvers<undefined>();
    const { shared, sockets } = await served((message, socket) => {
      resumed(message, socket);
      const read = socket.onMessage;
      socket.onMessage = (next) => (next === null ? closed.resolve(undefined) : read(next));
      socket.sendText(eventsOf(message['deliberationId'], LOG.slice(0, message['deliberationId'] === 'a' ? 1 : 2)));
    });
    const [a, b] = [await shared.open('a', 0, never), await shared.open('b', 0, never)];
    expect((await a.read(0)).received).toHaveLength(1);
    expect((await b.read(0)).received).toHaveLength(2);
    expect(sockets).toHaveLength(1);
    a.close();
    await shared.open('c', 0, never).then((c) => c.close());
    expect(sockets).toHaveLength(1);
    b.close();
    await closed.promise;
  });

  it('is dropped when the page wakes, for all, and is another one then', async () => {
    const { shared, page, sockets } = await served(resumed);
    const line = await shared.open('a', 0, never);
    page.wake();
    await expect(line.read(0)).rejects.toMatchObject({ name: 'Dropped' });
    (await shared.open('a', 0, never)).close();
    expect(sockets).toHaveLength(2);
  });

  it('does not come about where it is refused, or where nobody answers', async () => {
    const server = await serve(() => undefined);
    const shared = new SharedSocket(socketUrl(server.url, 'http://x'), null, QUICK, new FakePage());
    await expect(shared.open('d', 0, never)).rejects.toMatchObject({ name: 'NoSocket' });
    await server.close();
    await expect(shared.open('d', 0, never)).rejects.toMatchObject({ name: 'NoSocket' });
    shared.ruleOut();
    expect(shared.isPossible).toBe(false);
  });

  it('shows the token as a subprotocol, once for all that open it together', async () => {
    const token = vi.fn(() => Promise.resolve('a.b-c_d?~>'));
    const { shared, sockets, server } = await served(resumed, QUICK, token);
    const lines = await Promise.all([shared.open('a', 0, never), shared.open('b', 0, never)]);
    expect(sockets).toHaveLength(1);
    const asked = server.upgrades[0]?.['sec-websocket-protocol']?.split(/,\s*/) ?? [];
    expect(asked[1]).toBe('base64UrlBearerAuthorization');
    const [name, encoded = ''] = asked[0]?.split('.') ?? [];
    expect([name, Buffer.from(encoded, 'base64url').toString()]).toEqual([
      'base64UrlBearerAuthorization',
      'a.b-c_d?~>',
    ]);
    expect(encoded).toMatch(/^[A-Za-z0-9_-]+$/);
    for (const line of lines) line.close();
  });

  it('is not asked for a subprotocol where nobody signs in', async () => {
    const { shared, server } = await served(resumed);
    (await shared.open('a', 0, never)).close();
    expect(server.upgrades[0]?.['sec-websocket-protocol']).toBeUndefined();
  });

  it.each([
    ['nobody is signed in any more', () => Promise.resolve(null)],
    ['the sign-in cannot be renewed', () => Promise.reject(new Error('offline'))],
  ])('does not come about where %s', async (_, token) => {
    const { shared, server } = await served(resumed, QUICK, token);
    await expect(shared.open('a', 0, never)).rejects.toMatchObject({ name: 'NoSocket' });
    expect(server.upgrades).toHaveLength(0);
  });

  it('cannot be ruled out where it came about once', async () => {
    const { shared } = await served(resumed);
    (await shared.open('d', 0, never)).close();
    shared.ruleOut();
    expect(shared.isPossible).toBe(true);
  });
});

it('has its address from that of the server', () => {
  expect(socketUrl('', 'https://magi.example/d/1')).toBe('wss://magi.example/ws');
  expect(socketUrl('http://localhost:8080', 'https://x')).toBe('ws://localhost:8080/ws');
  expect(socketUrl('https://magi.example/base', 'http://x')).toBe('wss://magi.example/base/ws');
});
