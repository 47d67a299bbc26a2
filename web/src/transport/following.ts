/** Following one deliberation to its end, whatever happens on the way: the rules of docs/decisions/0013. */
import { ApiProblem, Unreachable } from '@/protocol/failures';
import { isTerminal } from '@/protocol/fold';
import type { Carrier, Connection, PollReason } from './connection';
import type { Page } from './page';
import { BackOff, isPassing, pause, type Timing, toldToWaitMs } from './patience';
import { Dropped, HeldBack, NoSocket, type Batch, type Line, type Received } from './received';
import type { SocketWay } from './socket';

/** The ways to a backend's logs, in the order they are tried. */
export interface Ways {
  readonly socket: SocketWay | null;
  stream(id: string, after: number, signal: AbortSignal): Promise<Line>;
  poll(id: string): Line;
}

/**
 * The events of one deliberation after `after`: in order, each once, without a gap, and the terminal one last.
 *
 * Drops are resumed from and waited out for as long as the page stands; only a refusal ends the trying, until
 * `reconnect`. Where something on the way holds events back, they are polled for from then on.
 */
export class Following {
  readonly #id: string;
  readonly #ways: Ways;
  readonly #timing: Timing;
  readonly #onConnection: (connection: Connection) => void;
  readonly #backOff: BackOff;
  readonly #unlisten: readonly (() => void)[];
  #connection: Connection = { kind: 'connecting' };
  #cursor: number;
  #line: Line | null = null;
  // Aborted where what is being done is to be begun anew.
  #spell = new AbortController();
  #pollReason: PollReason | null = null;
  // Until a poll was answered, it may be the server that is away, and nothing on the way that holds events back.
  #isPollProved = false;
  // What is wrong with the line behind the events that were handed out last.
  #fault: Dropped | null = null;
  #isOver = false;
  #isRefused = false;
  #isLongHidden = false;
  #isResting = false;
  #restTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    id: string,
    ways: Ways,
    page: Page,
    timing: Timing,
    onConnection: (connection: Connection) => void,
    after = 0,
  ) {
    this.#id = id;
    this.#ways = ways;
    this.#timing = timing;
    this.#onConnection = onConnection;
    this.#cursor = after;
    this.#backOff = new BackOff(timing);
    this.#unlisten = [page.onWake(() => this.#wake()), page.onHide(() => this.#hide())];
    if (page.isHidden) this.#hide();
  }

  /** Gives the events in batches, as they come; ends after the terminal one, and when it is closed. */
  async *batches(): AsyncGenerator<readonly Received[]> {
    try {
      while (!this.#isOver) {
        const received = await this.#next(this.#spell.signal);
        if (received.length > 0) yield received;
      }
    } finally {
      this.close();
    }
  }

  /** Tries again at once, after a refusal too. */
  reconnect(): void {
    if (this.#isRefused) this.#say({ kind: 'connecting' });
    this.#isRefused = false;
    this.#isResting = false;
    this.#interrupt();
  }

  /** Lets go of the connection, and follows no further. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#restTimer);
    for (const unlisten of this.#unlisten) unlisten();
    this.#interrupt();
  }

  async #next(signal: AbortSignal): Promise<readonly Received[]> {
    if (this.#isRefused || this.#isResting) {
      await aborted(signal);
      return [];
    }
    try {
      this.#throwFault();
      const line = (this.#line ??= await this.#connected(signal));
      this.#considerRest();
      const batch = await line.read(this.#cursor);
      return signal.aborted ? [] : this.#take(batch, line.carrier);
    } catch (error) {
      // Woken, hidden or closed meanwhile, what broke was to break.
      if (!signal.aborted) await this.#failed(error, signal);
      return [];
    }
  }

  async #connected(signal: AbortSignal): Promise<Line> {
    if (this.#pollReason !== null) return this.#ways.poll(this.#id);
    const line = await this.#opened(signal);
    if (signal.aborted) {
      line.close();
      throw new Dropped('closed');
    }
    this.#say({ kind: 'open', carrier: line.carrier });
    return line;
  }

  async #opened(signal: AbortSignal): Promise<Line> {
    const { socket } = this.#ways;
    if (socket?.isPossible !== true) return await this.#ways.stream(this.#id, this.#cursor, signal);
    try {
      return await socket.open(this.#id, this.#cursor, signal);
    } catch (error) {
      if (!(error instanceof NoSocket) || signal.aborted) throw error;
    }
    const stream = await this.#ways.stream(this.#id, this.#cursor, signal);
    socket.ruleOut();
    return stream;
  }

  #take(batch: Batch, carrier: Carrier): readonly Received[] {
    const { fresh, gap } = inSequence(batch.received, this.#cursor);
    const fault = batch.fault ?? gap;
    const last = fresh.at(-1);
    this.#cursor += fresh.length;
    if (carrier === 'poll') this.#isPollProved = true;
    if (fresh.length > 0 || fault === null) {
      this.#backOff.succeeded();
      this.#say({ kind: 'open', carrier, ...(this.#pollReason === null ? {} : { reason: this.#pollReason }) });
    }
    if ((last && isTerminal(last.event)) || (fault === null && batch.isDone === true)) {
      this.#isOver = true;
      this.#say({ kind: 'ended' });
    } else if (fault !== null) {
      this.#fault = new Dropped(fault);
    } else if (batch.isHeldBack === true && this.#pollReason === null) {
      this.#hangUp();
      this.#pollReason = 'buffered';
    }
    return fresh;
  }

  #throwFault(): void {
    const fault = this.#fault;
    this.#fault = null;
    if (fault !== null) throw fault;
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    this.#hangUp();
    if (error instanceof HeldBack) {
      this.#pollReason = 'no_stream';
      this.#isPollProved = false;
      return;
    }
    const isAnswer = error instanceof ApiProblem || error instanceof Unreachable;
    if (isAnswer && !isPassing(error)) {
      this.#isRefused = true;
      this.#say({ kind: 'refused', error });
      return;
    }
    // A fault of ours must not end the following without a word.
    if (!isAnswer && !(error instanceof Dropped || error instanceof NoSocket)) console.error(error);
    if (!this.#isPollProved) this.#pollReason = null;
    const pauseMs = Math.max(this.#backOff.failed(), toldToWaitMs(error));
    this.#say({ kind: 'lost', sinceMs: this.#backOff.sinceMs, tries: this.#backOff.tries });
    await pause(pauseMs, signal);
  }

  #wake(): void {
    clearTimeout(this.#restTimer);
    this.#isLongHidden = false;
    this.#isResting = false;
    this.#interrupt();
  }

  #hide(): void {
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => {
      this.#isLongHidden = true;
      this.#considerRest();
    }, this.#timing.restMs);
  }

  /**
   * A hidden page gives back the connection of a request, of which a browser has six to a host for all its tabs. A
   * socket is none of those.
   */
  #considerRest(): void {
    if (!this.#isLongHidden || this.#isOver || this.#line?.carrier === 'socket') return;
    if (this.#line === null && this.#ways.socket?.isPossible === true) return;
    this.#isResting = true;
    this.#interrupt();
  }

  #interrupt(): void {
    const spell = this.#spell;
    this.#spell = new AbortController();
    spell.abort();
    this.#hangUp();
  }

  #hangUp(): void {
    this.#line?.close();
    this.#line = null;
  }

  #say(connection: Connection): void {
    // Errors are new each time, and everything else is plain.
    if (JSON.stringify(connection) === JSON.stringify(this.#connection)) return;
    this.#connection = connection;
    this.#onConnection(connection);
  }
}

/** Gives what follows the cursor without a gap, no further than a terminal event, and which event is missing. */
function inSequence(
  received: readonly Received[],
  after: number,
): { readonly fresh: readonly Received[]; readonly gap: string | null } {
  const fresh: Received[] = [];
  for (const each of received) {
    const awaited = after + fresh.length + 1;
    if (each.event.seq < awaited) continue;
    if (each.event.seq > awaited) return { fresh, gap: `event ${awaited} is missing` };
    fresh.push(each);
    if (isTerminal(each.event)) break;
  }
  return { fresh, gap: null };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
