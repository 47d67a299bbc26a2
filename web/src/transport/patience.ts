/** How long is waited for what, and how it is tried again: the rules of the server's own client, docs/decisions/0013. */
import { ApiProblem, Unreachable } from '@/protocol/failures';

/**
 * The time-outs, in milliseconds.
 *
 * `answerMs`: for a short answer, beyond what the server was told to wait. `firstByteMs`: for the first byte of a stream
 * or the first word on a socket; a server of ours speaks at once. `silenceMs`: between two bytes of a stream; a server
 * of ours is never silent for more than 10 s. `lateMs`: how much later than the quickest an event may come before it
 * counts as held back. `pollWaitS`: how long a long-poll waits on the server, in seconds, at most 25. `backOffMs` and
 * `longestBackOffMs`: the first and the last bound of the pause before another try. `reachMs`: how long an answer is
 * tried for that a person waits for. `turnMs`: how long a question waits for its turn at a server that is overloaded.
 * `restMs`: after which a hidden page gives its connection back.
 */
export interface Timing {
  readonly answerMs: number;
  readonly firstByteMs: number;
  readonly silenceMs: number;
  readonly lateMs: number;
  readonly pollWaitS: number;
  readonly backOffMs: number;
  readonly longestBackOffMs: number;
  readonly reachMs: number;
  readonly turnMs: number;
  readonly restMs: number;
}

export const TIMING: Timing = {
  answerMs: 30_000,
  firstByteMs: 5_000,
  silenceMs: 25_000,
  lateMs: 3_000,
  pollWaitS: 20,
  backOffMs: 200,
  longestBackOffMs: 5_000,
  reachMs: 3_000,
  turnMs: 20_000,
  restMs: 10_000,
};

/**
 * Pauses that grow, with full jitter, until something succeeds.
 *
 * Full jitter, because a server that comes back has all its clients coming back:
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class BackOff {
  readonly #timing: Timing;
  /** How often it has failed since the last success. */
  tries = 0;
  /** When it failed first since then, in epoch milliseconds. */
  sinceMs = 0;

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  succeeded(): void {
    this.tries = 0;
  }

  /** Gives the pause before the next try, in milliseconds. */
  failed(): number {
    if (this.tries === 0) this.sinceMs = Date.now();
    const longestMs = Math.min(this.#timing.longestBackOffMs, this.#timing.backOffMs * 2 ** this.tries);
    this.tries += 1;
    return Math.random() * longestMs;
  }
}

const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** Whether waiting may mend it: a fault of the way, of the server or of what stands before it, or its own word. */
export function isPassing(error: ApiProblem | Unreachable): boolean {
  if (error instanceof ApiProblem && error.problem.retryable === true) return true;
  return error.status === null || error.status >= 500 || PASSING_STATUSES.has(error.status);
}

/** How long whoever refused asks to be left alone. */
export function toldToWaitMs(error: unknown): number {
  return error instanceof ApiProblem ? (error.retryAfterS ?? 0) * 1000 : 0;
}

/** Gives what `call` gives, tried again, where waiting may mend its failure, for `timing.reachMs`. */
export async function patiently<T>(call: () => Promise<T>, timing: Timing): Promise<T> {
  const backOff = new BackOff(timing);
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiProblem || error instanceof Unreachable) || !isPassing(error)) throw error;
      const pauseMs = Math.max(backOff.failed(), toldToWaitMs(error));
      if (Date.now() + pauseMs > backOff.sinceMs + timing.reachMs) throw error;
      await pause(pauseMs);
    }
  }
}

/**
 * Gives what `call` gives, asked again when the server says so for as long as it is overloaded, up to `timing.turnMs`.
 *
 * Every other failure is given on at once. `onWait` is told of each refusal that is waited out.
 */
export async function inTurn<T>(
  call: () => Promise<T>,
  timing: Timing,
  signal: AbortSignal,
  onWait: () => void,
): Promise<T> {
  const untilMs = Date.now() + timing.turnMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.problem.code !== 'overloaded') throw error;
      // Whoever is told the same second to come back still comes back each at their own time.
      const pauseMs = toldToWaitMs(error) + Math.random() * timing.backOffMs;
      if (Date.now() + pauseMs > untilMs) throw error;
      onWait();
      await pause(pauseMs, signal);
      if (signal.aborted) throw error;
    }
  }
}

/** Resolves after that time, or, without an error, as soon as the signal is aborted. */
export function pause(pauseMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, pauseMs);
    signal?.addEventListener('abort', done);
  });
}
