/** Reading a deliberation from one response that streams it as server-sent events. */
import { createParser } from 'eventsource-parser';
import { mediaType, noSuchServer, problemIn, type Call, type Http } from './http';
import { Attention, Lateness } from './lateness';
import type { Timing } from './patience';
import { batchOf, Dropped, HeldBack, type Batch, type Line } from './received';
import { ApiProblem } from '@/protocol/failures';

// Far above any event, far below what a page's memory would mind; as the server's own client has it (protocol/sse.py).
const MOST_FRAME_CHARS = 16 * 1024 * 1024;

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Asks for a stream and gives it once its first byte has come, which a server of ours sends at once.
 *
 * Rejects with `HeldBack` where it did not come in time, and as `Http.send` does.
 */
export async function openStream(http: Http, call: Call, timing: Timing, signal: AbortSignal): Promise<Line> {
  const hangUp = new AbortController();
  const cancel = () => hangUp.abort(signal.reason);
  signal.addEventListener('abort', cancel, { once: true });
  const sentMs = performance.now();
  try {
    const opening = opened(http, { ...call, accept: 'text/event-stream', signal: hangUp.signal });
    const [reader, first] = await inTime(opening, timing.firstByteMs, 'no byte of the stream came');
    return new EventStream(reader, hangUp, timing, first, sentMs);
  } catch (error) {
    hangUp.abort();
    throw error;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

async function opened(http: Http, call: Call): Promise<readonly [Reader, Uint8Array]> {
  const response = await http.send(call);
  if (response.body === null || mediaType(response) !== 'text/event-stream') throw await mistaken(call.url, response);
  const reader: Reader = response.body.getReader();
  return [reader, await nextPiece(reader)];
}

/** A success that is no stream; some platforms hand a refusal on as one. */
async function mistaken(url: string, response: Response): Promise<Error> {
  const fields: unknown = await response.json().catch(() => null);
  const problem = problemIn(fields as Record<string, unknown> | null);
  return problem === null ? noSuchServer(url, response.status) : new ApiProblem(problem.status, problem);
}

class EventStream implements Line {
  readonly carrier = 'stream';
  readonly #reader: Reader;
  readonly #hangUp: AbortController;
  readonly #timing: Timing;
  readonly #lateness: Lateness;
  readonly #attention = new Attention();
  readonly #decoder = new TextDecoder();
  #first: Uint8Array | null;
  #waitingSinceMs: number;
  #texts: string[] = [];
  #fault: string | null = null;
  readonly #parser = createParser({
    onEvent: ({ data }) => this.#texts.push(data),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') this.#fault = 'a frame without an end';
    },
    maxBufferSize: MOST_FRAME_CHARS,
  });

  constructor(reader: Reader, hangUp: AbortController, timing: Timing, first: Uint8Array, sentMs: number) {
    this.#reader = reader;
    this.#hangUp = hangUp;
    this.#timing = timing;
    this.#lateness = new Lateness(timing.lateMs);
    this.#first = first;
    this.#waitingSinceMs = sentMs;
  }

  async read(): Promise<Batch> {
    for (;;) {
      const first = this.#first;
      this.#first = null;
      if (first === null) this.#waitingSinceMs = performance.now();
      const piece =
        first ??
        (await inTime(nextPiece(this.#reader), this.#timing.silenceMs, 'the stream was silent, without a keep-alive,'));
      const batch = this.#batch(piece, performance.now());
      // The comment that comes first says only that the way is open.
      if (first === null || batch.received.length > 0 || batch.fault !== undefined) return batch;
    }
  }

  close(): void {
    this.#attention.close();
    this.#hangUp.abort();
  }

  #batch(piece: Uint8Array, arrivedMs: number): Batch {
    this.#texts = [];
    this.#parser.feed(this.#decoder.decode(piece, { stream: true }));
    const batch = batchOf(this.#texts);
    const events = batch.received.map(({ event }) => event);
    const waitingSinceMs = this.#attention.waitingSince(this.#waitingSinceMs, arrivedMs);
    const isHeldBack = this.#lateness.isHeldBack(events, waitingSinceMs, arrivedMs);
    return this.#fault === null ? { ...batch, isHeldBack } : { ...batch, isHeldBack, fault: this.#fault };
  }
}

async function nextPiece(reader: Reader): Promise<Uint8Array> {
  const { value } = await reader.read().catch((error: unknown) => {
    throw new Dropped('the stream broke', { cause: error });
  });
  if (value === undefined) throw new Dropped('the stream ended without a terminal event');
  return value;
}

async function inTime<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new HeldBack(`${what} in ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    // Whoever gives up on it hangs up, and what that makes of it is nobody's concern.
    promise.catch(() => undefined);
  }
}
