/** One WebSocket: its messages, joined where they came in parts, handed to the lines that they are for. */
import { Dropped, NoSocket } from './received';
import { takenApart, type RawMessage } from './raw';

/** Who follows one deliberation on the socket. */
export interface Listener {
  readonly id: string;
  hear(message: RawMessage, arrivedMs: number): void;
  /** The socket is gone. */
  lose(reason: Dropped): void;
}

export class SocketConnection {
  /** Resolves when it has come about; rejects with `NoSocket`. */
  readonly opened: Promise<void>;
  isClosed = false;
  /** When anything last came on it, by `performance.now()`. */
  heardMs = performance.now();
  readonly #socket: WebSocket;
  readonly #listeners = new Map<string, Listener>();
  #parts: string[] = [];

  /** `protocols` are asked for; a server takes one of them, or the socket does not come about. */
  constructor(url: string, protocols: readonly string[]) {
    this.#socket = new WebSocket(url, [...protocols]);
    this.opened = new Promise((resolve, reject) => {
      this.#socket.addEventListener('open', () => resolve());
      this.#socket.addEventListener('close', () => {
        reject(new NoSocket('no socket came about'));
        this.#lose(new Dropped('the socket was closed'));
      });
    });
    // Nobody may be waiting any more.
    this.opened.catch(() => undefined);
    this.#socket.addEventListener('message', ({ data }) => this.#take(data));
  }

  add(listener: Listener): void {
    this.#listeners.set(listener.id, listener);
  }

  /** The last one to leave closes the socket: there is no verb for following no longer. */
  remove(listener: Listener): void {
    if (this.#listeners.get(listener.id) !== listener) return;
    this.#listeners.delete(listener.id);
    if (this.#listeners.size === 0) this.close();
  }

  send(message: Readonly<Record<string, unknown>>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  close(): void {
    this.#lose(new Dropped('the socket was given up'));
    this.#socket.close();
  }

  #lose(reason: Dropped): void {
    this.isClosed = true;
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.lose(reason);
  }

  #take(data: unknown): void {
    if (this.isClosed) return;
    const arrivedMs = performance.now();
    try {
      const message = this.#whole(typeof data === 'string' ? data : '');
      if (message !== null) this.#hand(takenApart(message), arrivedMs);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      // What follows a message that cannot be read cannot be trusted to be all there was.
      this.close();
    }
    this.heardMs = arrivedMs;
  }

  /** Gives the message that a frame is or completes; null where it is a part with more to come. */
  #whole(frame: string): string | null {
    if (!frame.startsWith('{"type":"part"')) return frame;
    const { index, of, text } = JSON.parse(frame) as { index: number; of: number; text: string };
    // Index 0 begins a new message: one whose following was replaced is not finished.
    if (index === 0) this.#parts = [];
    if (index !== this.#parts.length) throw new SyntaxError(`part ${index} after ${this.#parts.length} parts`);
    this.#parts.push(text);
    if (index + 1 < of) return null;
    const whole = this.#parts.join('');
    this.#parts = [];
    return whole;
  }

  #hand(message: RawMessage, arrivedMs: number): void {
    const { deliberationId, requestId } = message.fields;
    // What is refused before the server has looked at it is answered by the request alone.
    const id = deliberationId ?? (typeof requestId === 'string' ? idOf(requestId) : null);
    if (typeof id === 'string') this.#listeners.get(id)?.hear(message, arrivedMs);
  }
}

/** Names the `n`th request for a deliberation. */
export function requestIdOf(id: string, n: number): string {
  return `${id}#${n}`;
}

function idOf(requestId: string): string {
  return requestId.slice(0, requestId.lastIndexOf('#'));
}
