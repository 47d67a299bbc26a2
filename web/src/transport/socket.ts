/**
 * One socket a page, on which all its deliberations are followed: `WS /ws` (docs/decisions/0014).
 *
 * A socket does not count against the six connections a browser opens to one host, so tabs do not starve each other.
 */
import { Unreachable } from '@/protocol/failures';
import type { TokenSource } from './http';
import type { Page } from './page';
import { pause, type Timing } from './patience';
import { NoSocket, type Line } from './received';
import { SocketConnection } from './socketConnection';
import { SocketLine } from './socketLine';

/** Whether and how a deliberation can be followed over a socket. */
export interface SocketWay {
  readonly isPossible: boolean;
  /** Rejects with `NoSocket` where none comes about, with `HeldBack` where nothing is heard on it. */
  open(id: string, after: number, signal: AbortSignal): Promise<Line>;
  /** The server answers, and yet no socket came about: something on the way does not let it through. */
  ruleOut(): void;
}

// A page cannot set the headers of a socket, so its token goes as a subprotocol, in AgentCore's way:
// https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-get-started-websocket.html
const BEARER = 'base64UrlBearerAuthorization';

export class SharedSocket implements SocketWay {
  readonly #url: string;
  readonly #token: TokenSource | null;
  readonly #timing: Timing;
  #connection: SocketConnection | null = null;
  #hasOpened = false;
  #isRuledOut = false;

  /** `token` is null where nobody signs in. */
  constructor(url: string, token: TokenSource | null, timing: Timing, page: Page) {
    this.#url = url;
    this.#token = token;
    this.#timing = timing;
    // Before any following hears of it, so that each of them opens its line on a new one.
    page.onWake(() => this.#drop());
  }

  get isPossible(): boolean {
    return !this.#isRuledOut;
  }

  ruleOut(): void {
    // A socket that came about once does so again: the server was only away at that moment.
    this.#isRuledOut = !this.#hasOpened;
  }

  async open(id: string, after: number, signal: AbortSignal): Promise<Line> {
    const connection = await this.#connected();
    const over = new AbortController();
    const late = pause(this.#timing.firstByteMs, AbortSignal.any([signal, over.signal])).then(() => {
      throw new NoSocket('no socket came about in time');
    });
    try {
      await Promise.race([connection.opened, late]);
    } catch (error) {
      // Aborted, it may yet come about for another.
      if (!signal.aborted) connection.close();
      throw error;
    } finally {
      over.abort();
    }
    this.#hasOpened = true;
    const line = new SocketLine(connection, id, this.#timing);
    await line.begin(after, signal);
    return line;
  }

  async #connected(): Promise<SocketConnection> {
    if (this.#connection !== null && !this.#connection.isClosed) return this.#connection;
    const protocols = this.#token === null ? [] : await bearerProtocols(this.#token);
    // Another following may have opened it while the token was waited for.
    if (this.#connection === null || this.#connection.isClosed) {
      this.#connection = new SocketConnection(this.#url, protocols);
    }
    return this.#connection;
  }

  #drop(): void {
    this.#connection?.close();
    this.#connection = null;
  }
}

async function bearerProtocols(source: TokenSource): Promise<readonly string[]> {
  const token = await source().catch((error: unknown) => {
    throw new NoSocket('the sign-in could not be renewed', { cause: error });
  });
  // It would be refused; a request says how.
  if (token === null) throw new NoSocket('nobody is signed in');
  const encoded = btoa(token).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  return [`${BEARER}.${encoded}`, BEARER];
}

/** Gives the address of the socket of the server at `url`, which is empty for the page's own. */
export function socketUrl(url: string, page: string): string {
  const address = new URL(`${url}/ws`, page);
  if (address.protocol !== 'http:' && address.protocol !== 'https:')
    throw new Unreachable(`${url} is no HTTP address.`);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  return address.href;
}
