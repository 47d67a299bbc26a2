/** The server's side of a WebSocket (RFC 6455), as far as tests need it: text frames of up to 64 KiB, and the close. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const CLOSE = 8;

export class ServerSocket {
  /** Called with each message that comes, and with null when the other side closes. */
  onMessage: (message: Readonly<Record<string, unknown>> | null) => void = () => undefined;
  readonly #connection: Socket;
  #received: Buffer = Buffer.alloc(0);

  constructor(connection: Socket) {
    this.#connection = connection;
    connection.on('data', (piece: Buffer) => {
      this.#received = Buffer.concat([this.#received, piece]);
      while (this.#take());
    });
    connection.on('close', () => this.onMessage(null));
    connection.on('error', () => undefined);
  }

  send(message: unknown): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(text: string): void {
    this.#write(TEXT, Buffer.from(text));
  }

  close(code: number): void {
    this.#write(CLOSE, Buffer.from([code >> 8, code & 0xff]));
    this.#connection.end();
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.#connection.destroy();
  }

  #write(opcode: number, payload: Buffer): void {
    const { length } = payload;
    const head = length < 126 ? [0x80 | opcode, length] : [0x80 | opcode, 126, length >> 8, length & 0xff];
    if (this.#connection.writable) this.#connection.write(Buffer.concat([Buffer.from(head), payload]));
  }

  #take(): boolean {
    const bytes = this.#received;
    if (bytes.length < 2) return false;
    const short = (bytes[1] ?? 0) & 0x7f;
    const at = short === 126 ? 4 : 2;
    if (bytes.length < at) return false;
    const length = short === 126 ? bytes.readUInt16BE(2) : short;
    if (bytes.length < at + 4 + length) return false;
    const mask = bytes.subarray(at, at + 4);
    const payload = bytes.subarray(at + 4, at + 4 + length).map((byte, place) => byte ^ (mask[place % 4] ?? 0));
    this.#received = bytes.subarray(at + 4 + length);
    const opcode = (bytes[0] ?? 0) & 0x0f;
    if (opcode === TEXT) this.onMessage(JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>);
    if (opcode === CLOSE) this.#connection.end();
    return true;
  }
}

/** Takes the upgrade, with the last of the subprotocols that are asked for. */
export function accepted(request: IncomingMessage, connection: Socket): ServerSocket {
  const key = createHash('sha1')
    .update(`${request.headers['sec-websocket-key'] ?? ''}${GUID}`)
    .digest('base64');
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  const protocol = request.headers['sec-websocket-protocol']?.split(',').at(-1)?.trim();
  const taken = protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`];
  connection.write([...head, ...taken, `Sec-WebSocket-Accept: ${key}`, '', ''].join('\r\n'));
  return new ServerSocket(connection);
}
