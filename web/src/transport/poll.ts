/** Reading a deliberation's log by long-polls, which nothing on the way can hold back. */
import { ApiProblem } from '@/protocol/failures';
import { noSuchServer, problemIn, type Call, type Http } from './http';
import { pause, type Timing } from './patience';
import { takenApart } from './raw';
import { batchOf, Dropped, type Batch, type Line } from './received';

/** Says how a page of the log after `after` is asked for, with that many seconds' patience for something to come. */
export type PageCall = (after: number, waitS: number) => Call;

export class Polls implements Line {
  readonly carrier = 'poll';
  readonly #http: Http;
  readonly #call: PageCall;
  readonly #timing: Timing;
  readonly #hangUp = new AbortController();
  // The first answer is to come at once: it says that the way is open.
  #waitS = 0;

  constructor(http: Http, call: PageCall, timing: Timing) {
    this.#http = http;
    this.#call = call;
    this.#timing = timing;
  }

  async read(after: number): Promise<Batch> {
    const { signal } = this.#hangUp;
    const call = this.#call(after, this.#waitS);
    const answer = await this.#http.text({ ...call, waitS: this.#waitS, signal }).catch((error: unknown) => {
      throw signal.aborted ? new Dropped('closed') : error;
    });
    const batch = pageIn(call.url, answer.text, answer.status);
    const isAtOnce = this.#waitS === 0;
    this.#waitS = this.#timing.pollWaitS;
    // So that what answers without waiting, as something on the way may, is not asked without a pause.
    if (batch.received.length === 0 && batch.isDone === false && !isAtOnce) await pause(this.#timing.backOffMs, signal);
    return batch;
  }

  close(): void {
    this.#hangUp.abort();
  }
}

function pageIn(url: string, text: string, status: number): Batch {
  let message;
  try {
    message = takenApart(text);
  } catch {
    throw noSuchServer(url, status);
  }
  const { fields, events } = message;
  const problem = problemIn(fields);
  if (problem !== null) throw new ApiProblem(problem.status, problem);
  if (typeof fields['done'] !== 'boolean') throw noSuchServer(url, status);
  return { ...batchOf(events), isDone: fields['done'] };
}
