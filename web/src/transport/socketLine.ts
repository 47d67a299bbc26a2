/** One deliberation on a socket that it shares with others. */
import { ApiProblem } from '@/protocol/failures';
import type { ProblemBody } from '@/protocol/types';
import { Attention, Lateness } from './lateness';
import { pause, type Timing } from './patience';
import type { RawMessage } from './raw';
import { batchOf, Dropped, HeldBack, NoSocket, type Batch, type Line } from './received';
import { requestIdOf, type Listener, type SocketConnection } from './socketConnection';

export class SocketLine implements Line, Listener {
  readonly carrier = 'socket';
  readonly id: string;
  readonly #connection: SocketConnection;
  readonly #timing: Timing;
  readonly #lateness: Lateness;
  readonly #attention = new Attention();
  #batches: Batch[] = [];
  #failure: Error | null = null;
  #nRequests = 0;
  // Of the last request that has been answered; before the first one, what comes is of a following that is over.
  #nAnswered = 0;
  #stirred = Promise.withResolvers<undefined>();

  constructor(connection: SocketConnection, id: string, timing: Timing) {
    this.#connection = connection;
    this.id = id;
    this.#timing = timing;
    this.#lateness = new Lateness(timing.lateMs);
    connection.add(this);
  }

  /** Asks for the events after `after`; resolves when the server says that they follow. */
  async begin(after: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#ask(after, signal);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async read(after: number): Promise<Batch> {
    while (this.#batches.length === 0) {
      if (this.#failure !== null) throw this.#failure;
      const quietMs = this.#connection.heardMs + this.#timing.silenceMs - performance.now();
      if (quietMs <= 0) {
        await this.#probe(after);
        // That it answers is all there is to tell so far.
        return merged(this.#taken());
      } else {
        await this.#stir(quietMs);
      }
    }
    return merged(this.#taken());
  }

  #taken(): readonly Batch[] {
    const batches = this.#batches;
    this.#batches = [];
    return batches;
  }

  close(): void {
    this.lose(new Dropped('closed'));
    this.#connection.remove(this);
  }

  hear({ fields, events }: RawMessage, arrivedMs: number): void {
    if (fields['type'] === 'resumed' && fields['requestId'] === this.#requestId()) {
      this.#nAnswered = this.#nRequests;
    } else if (fields['type'] === 'error') {
      this.#refuse(fields);
    } else if (this.#nAnswered > 0) {
      if (fields['type'] === 'events') this.#batches.push(this.#batch(events, arrivedMs));
      if (fields['type'] === 'ended') this.#batches.push({ received: [], isDone: true });
    }
    this.#wake();
  }

  lose(reason: Dropped): void {
    this.#attention.close();
    this.#failure ??= reason;
    this.#wake();
  }

  #requestId(): string {
    return requestIdOf(this.id, this.#nRequests);
  }

  async #ask(after: number, signal?: AbortSignal): Promise<void> {
    this.#nRequests += 1;
    const message = { action: 'resume', deliberationId: this.id, after, requestId: this.#requestId() };
    this.#connection.send(message);
    const deadlineMs = performance.now() + this.#timing.firstByteMs;
    while (this.#nAnswered < this.#nRequests) {
      signal?.throwIfAborted();
      if (this.#failure !== null) throw this.#failure;
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw new HeldBack(`nothing was heard on the socket in ${this.#timing.firstByteMs / 1000} s`);
      await this.#stir(leftMs, signal);
    }
  }

  /** A socket has no keep-alives that a page could see, so one that is silent is asked whether it lives. */
  async #probe(after: number): Promise<void> {
    try {
      await this.#ask(after);
    } catch (error) {
      if (!(error instanceof HeldBack)) throw error;
      // It carried something before, so it is dead rather than held back. It is so for everybody on it.
      this.#connection.close();
      throw new Dropped('the socket fell silent');
    }
  }

  #batch(texts: readonly string[], arrivedMs: number): Batch {
    const batch = batchOf(texts);
    const events = batch.received.map(({ event }) => event);
    const waitingSinceMs = this.#attention.waitingSince(this.#connection.heardMs, arrivedMs);
    return { ...batch, isHeldBack: this.#lateness.isHeldBack(events, waitingSinceMs, arrivedMs) };
  }

  #refuse(fields: Readonly<Record<string, unknown>>): void {
    const problem = problemOf(fields['error']);
    this.#failure ??=
      problem.code === 'socket_busy' ? new NoSocket(problem.detail) : new ApiProblem(problem.status, problem);
  }

  /** Waits until something has come, or that time has passed. */
  async #stir(limitMs: number, signal?: AbortSignal): Promise<void> {
    const over = new AbortController();
    const signals = signal ? AbortSignal.any([over.signal, signal]) : over.signal;
    await Promise.race([this.#stirred.promise, pause(limitMs, signals)]);
    over.abort();
  }

  #wake(): void {
    this.#stirred.resolve(undefined);
    this.#stirred = Promise.withResolvers<undefined>();
  }
}

function merged(batches: readonly Batch[]): Batch {
  const [only] = batches;
  if (only !== undefined && batches.length === 1) return only;
  const faulty = batches.findIndex(({ fault }) => fault !== undefined);
  const sound = faulty === -1 ? batches : batches.slice(0, faulty + 1);
  const fault = sound.at(-1)?.fault;
  return {
    received: sound.flatMap(({ received }) => received),
    isHeldBack: sound.some(({ isHeldBack }) => isHeldBack === true),
    isDone: sound.some(({ isDone }) => isDone === true),
    ...(fault === undefined ? {} : { fault }),
  };
}

// What the same errors have as their status over HTTP; a socket's errors carry none.
const STATUSES: Readonly<Record<string, number>> = { deliberation_not_found: 404, cursor_ahead: 409 };

function problemOf(error: unknown): ProblemBody {
  const { code, message, retryable } = (error ?? {}) as Partial<Record<string, unknown>>;
  const known = typeof code === 'string' ? code : 'internal';
  const detail = typeof message === 'string' ? message : 'The server named no reason.';
  const status = STATUSES[known] ?? (retryable === true ? 503 : 400);
  return { title: known, status, code: known, detail, retryable: retryable === true };
}
