/** A local HTTP server for tests: real connections, and what is said on them is the test's. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { accepted, type ServerSocket } from './serverSocket';

/** One request as it came; `body` is its JSON, where `text` is that. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>> | null;
}

export interface WebServer {
  readonly url: string;
  readonly asked: Asked[];
  /** The headers of whoever opened a WebSocket, or tried to. */
  readonly upgrades: IncomingMessage['headers'][];
  close(): Promise<void>;
}

export type Answer = (asked: Asked, response: ServerResponse) => void | Promise<void>;

/** Serves until the test is finished; `onSocket` takes whoever opens a WebSocket, which else is refused. */
export async function serve(answer: Answer, onSocket?: (socket: ServerSocket) => void): Promise<WebServer> {
  const asked: Asked[] = [];
  const upgrades: IncomingMessage['headers'][] = [];
  const server = createServer((request, response) => {
    void read(request).then((each) => {
      asked.push(each);
      return answer(each, response);
    });
  });
  const connections = new Set<Socket>();
  server.on('connection', (connection: Socket) => connections.add(connection));
  server.on('upgrade', (request, connection: Socket) => {
    upgrades.push(request.headers);
    if (onSocket) onSocket(accepted(request, connection));
    else connection.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of connections) connection.destroy();
    await closed;
  };
  onTestFinished(async () => {
    if (server.listening) await close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, upgrades, close };
}

/** Answers with JSON. */
export function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Answers with a problem as the server writes it. */
export function refuse(response: ServerResponse, status: number, code: string, members: object = {}): void {
  reply(response, status, { title: code, status, code, detail: `It is ${code}.`, retryable: false, ...members });
}

/** Refuses as the server does behind a platform that keeps other statuses to itself: with 200. */
export function refuseInBand(response: ServerResponse, status: number, code: string, members: object = {}): void {
  response.setHeader('content-type', 'application/problem+json');
  response.writeHead(200);
  response.end(JSON.stringify({ title: code, status, code, detail: `It is ${code}.`, retryable: false, ...members }));
}

async function read(request: IncomingMessage): Promise<Asked> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += String(piece);
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://test');
  return {
    method: request.method ?? '',
    path: pathname,
    query: searchParams,
    headers: request.headers,
    text,
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : null,
  };
}
