// @vitest-environment node
/** The rules of following, over lines that the test speaks on; no clock runs but the test's. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiProblem, Unreachable } from '@/protocol/failures';
import type { Carrier, Connection } from './connection';
import { Following, type Ways } from './following';
import { TIMING } from './patience';
import { batchOf, Dropped, HeldBack, NoSocket, type Batch, type Line } from './received';
import { FakePage, logOf } from './testing/logs';

const LOG = logOf(6);
const gone = new ApiProblem(404, { title: 't', status: 404, code: 'deliberation_not_found', detail: 'd' });

/** A line that gives what it is told to; closed, or where nothing is left, it waits or breaks like a real one. */
class ScriptedLine implements Line {
  readonly carrier: Carrier;
  readonly after: number;
  isClosed = false;
  readonly #steps: (Batch | Error)[] = [];
  #stir = Promise.withResolvers<undefined>();

  constructor(carrier: Carrier, after: number) {
    this.carrier = carrier;
    this.after = after;
  }

  give(...steps: (Batch | Error)[]): void {
    this.#steps.push(...steps);
    this.#stir.resolve(undefined);
    this.#stir = Promise.withResolvers<undefined>();
  }

  /** Sends the events from the one after the cursor to `last`. */
  send(last: number, first = this.after + 1): void {
    this.give(batchOf(LOG.slice(first - 1, last)));
  }

  async read(): Promise<Batch> {
    for (;;) {
      if (this.isClosed) throw new Dropped('closed');
      const step = this.#steps.shift();
      if (step instanceof Error) throw step;
      if (step !== undefined) return step;
      await this.#stir.promise;
    }
  }

  close(): void {
    this.isClosed = true;
    this.give();
  }
}

class Bench {
  readonly page = new FakePage();
  readonly lines: ScriptedLine[] = [];
  readonly said: Connection[] = [];
  readonly seqs: number[] = [];
  /** What opening a line comes to, by carrier; a line where nothing is named. */
  readonly refusals: Partial<Record<Carrier, () => Error | null>> = {};
  /** What a new line is told to give. */
  onLine: (line: ScriptedLine, nth: number) => void = () => undefined;
  isSocketRuledOut = false;
  following: Following;
  hasEnded = false;

  constructor(carriers: readonly Carrier[] = ['stream', 'poll']) {
    const open = (carrier: Carrier, after: number): ScriptedLine => {
      const refusal = this.refusals[carrier]?.();
      if (refusal) throw refusal;
      const line = new ScriptedLine(carrier, after);
      this.lines.push(line);
      this.onLine(line, this.lines.length);
      return line;
    };
    const isRuledOut = () => this.isSocketRuledOut;
    const ways: Ways = {
      socket: carriers.includes('socket')
        ? {
            get isPossible() {
              return !isRuledOut();
            },
            // eslint-disable-next-line @typescript-eslint/require-await -- throwing is rejecting, as in the real one
            open: async (_, after) => open('socket', after),
            ruleOut: () => (this.isSocketRuledOut = true),
          }
        : null,
      // eslint-disable-next-line @typescript-eslint/require-await -- see above
      stream: async (_, after) => open('stream', after),
      poll: () => open('poll', this.seqs.length),
    };
    this.following = new Following('d', ways, this.page, TIMING, (connection) => this.said.push(connection));
    // After the test has said what is to happen.
    queueMicrotask(() => void this.#follow());
  }

  get line(): ScriptedLine {
    const line = this.lines.at(-1);
    if (line === undefined) throw new Error('no line has been opened');
    return line;
  }

  get connection(): Connection | undefined {
    return this.said.at(-1);
  }

  async #follow(): Promise<void> {
    for await (const batch of this.following.batches()) this.seqs.push(...batch.map(({ event }) => event.seq));
    this.hasEnded = true;
  }
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const whole = [1, 2, 3, 4, 5, 6];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
});

it('gives all events to the terminal one, and ends', async () => {
  const bench = new Bench();
  await settle();
  bench.line.send(6);
  await settle();
  expect(bench.seqs).toEqual(whole);
  expect(bench.hasEnded).toBe(true);
  expect(bench.line.isClosed).toBe(true);
  expect(bench.said.map(({ kind }) => kind)).toEqual(['open', 'ended']);
});

describe.each([0, 1, 2, 3, 4, 5])('a line that breaks after event %d', (last) => {
  it.each([
    ['breaks', new Dropped('the stream broke')],
    ['is refused for now', new ApiProblem(503, { title: 't', status: 503, code: 'c', detail: 'd' })],
    ['finds nobody', new Unreachable('nobody')],
  ])('is resumed from there, where it %s', async (_, failure) => {
    const bench = new Bench();
    bench.onLine = (line, nth) => {
      if (nth > 1) line.send(6);
      else {
        if (last > 0) line.send(last);
        line.give(failure);
      }
    };
    await wait(10_000);
    expect(bench.seqs).toEqual(whole);
    expect(bench.lines.map(({ after }) => after)).toEqual([0, last]);
    expect(bench.hasEnded).toBe(true);
  });
});

it('takes a gap for a drop, and what came before it for good', async () => {
  const bench = new Bench();
  bench.onLine = (line, nth) => {
    if (nth === 1) line.give(batchOf([LOG[0] ?? '', LOG[1] ?? '', LOG[3] ?? '']));
    else line.send(6);
  };
  await wait(10_000);
  expect(bench.seqs).toEqual(whole);
  expect(bench.lines.map(({ after }) => after)).toEqual([0, 2]);
});

it('takes what is no event for a drop, and what came before it for good', async () => {
  const bench = new Bench();
  bench.onLine = (line, nth) => {
    if (nth === 1) line.give(batchOf([LOG[0] ?? '', '{"type":"chunk"}', LOG[1] ?? '']));
    else line.send(6);
  };
  await wait(10_000);
  expect(bench.seqs).toEqual(whole);
  expect(bench.lines.map(({ after }) => after)).toEqual([0, 1]);
});

it('gives an event that comes twice once', async () => {
  const bench = new Bench();
  await settle();
  bench.line.send(3);
  await settle();
  bench.line.send(4, 2);
  bench.line.send(6, 1);
  await settle();
  expect(bench.seqs).toEqual(whole);
  expect(bench.lines).toHaveLength(1);
});

it('gives nothing that comes after the terminal event', async () => {
  const bench = new Bench();
  await settle();
  bench.line.give(batchOf([...LOG, JSON.stringify({ type: 'omen', seq: 7, timestamp: '' })]));
  await settle();
  expect(bench.seqs).toEqual(whole);
});

it('never gives up on what may pass, with pauses of up to 5 s', async () => {
  const bench = new Bench();
  let tries = 0;
  bench.refusals.stream = () => {
    tries += 1;
    return new Unreachable('nobody');
  };
  await wait(600_000);
  expect(tries).toBeGreaterThan(600 / 5);
  expect(tries).toBeLessThan(600 / 5 + 10);
  expect(bench.connection).toMatchObject({ kind: 'lost' });
  bench.refusals.stream = () => null;
  await wait(5_000);
  bench.line.send(6);
  await settle();
  expect(bench.hasEnded).toBe(true);
});

it('says since when the way is lost, across tries that come to nothing', async () => {
  const bench = new Bench();
  bench.onLine = (line, nth) => {
    if (nth === 1) line.send(1);
    line.give(new Dropped('broken'));
  };
  await settle();
  const lostMs = Date.now();
  await wait(4_000);
  expect(bench.connection).toMatchObject({ kind: 'lost', sinceMs: lostMs });
  expect((bench.connection as { tries: number }).tries).toBeGreaterThan(2);
});

it('waits as long as the backend asks', async () => {
  const bench = new Bench();
  const busy = new ApiProblem(429, { title: 't', status: 429, code: 'c', detail: 'd' }, 7);
  bench.refusals.stream = () => (bench.lines.length === 0 ? busy : null);
  await settle();
  bench.refusals.stream = () => null;
  await wait(6_900);
  expect(bench.lines).toHaveLength(0);
  await wait(200);
  expect(bench.lines).toHaveLength(1);
});

describe('a refusal', () => {
  it('ends the trying', async () => {
    const bench = new Bench();
    bench.refusals.stream = () => gone;
    await wait(60_000);
    expect(bench.said).toEqual([{ kind: 'refused', error: gone }]);
    bench.page.wake();
    await wait(60_000);
    expect(bench.said).toHaveLength(1);
  });

  it('in the middle is one, too: somebody has deleted it', async () => {
    const bench = new Bench();
    await settle();
    bench.line.send(2);
    bench.line.give(gone);
    await wait(60_000);
    expect(bench.connection).toEqual({ kind: 'refused', error: gone });
    expect(bench.lines).toHaveLength(1);
  });

  it('is tried again where somebody asks for that', async () => {
    const bench = new Bench();
    bench.refusals.stream = () => gone;
    await settle();
    bench.refusals.stream = () => null;
    bench.following.reconnect();
    expect(bench.connection).toEqual({ kind: 'connecting' });
    await settle();
    bench.line.send(6);
    await settle();
    expect(bench.hasEnded).toBe(true);
  });
});

describe('falling back to polling', () => {
  it('follows on the same cursor where events come late and gathered', async () => {
    const bench = new Bench();
    await settle();
    bench.line.give({ ...batchOf(LOG.slice(0, 3)), isHeldBack: true });
    await settle();
    expect(bench.lines.map(({ carrier, after }) => [carrier, after])).toEqual([
      ['stream', 0],
      ['poll', 3],
    ]);
    bench.line.send(4);
    await settle();
    expect(bench.connection).toEqual({ kind: 'open', carrier: 'poll', reason: 'buffered' });
    bench.line.send(6, 5);
    await settle();
    expect(bench.seqs).toEqual(whole);
  });

  it('follows where no stream comes about', async () => {
    const bench = new Bench();
    bench.refusals.stream = () => new HeldBack('no byte in 5 s');
    await settle();
    bench.line.give({ received: [], isDone: false });
    await settle();
    expect(bench.connection).toEqual({ kind: 'open', carrier: 'poll', reason: 'no_stream' });
  });

  it('stays with it through drops', async () => {
    const bench = new Bench();
    bench.onLine = (line, nth) => {
      if (nth === 1) line.give(new HeldBack('silence'));
      if (nth === 2) line.give(batchOf(LOG.slice(0, 2)), new Unreachable('nobody'));
      if (nth === 3) line.send(6);
    };
    await wait(10_000);
    expect(bench.lines.map(({ carrier }) => carrier)).toEqual(['stream', 'poll', 'poll']);
    expect(bench.seqs).toEqual(whole);
  });

  it('goes back to streaming where no poll was ever answered: it was the server that was away', async () => {
    const bench = new Bench();
    bench.onLine = (line, nth) => {
      if (nth === 1) line.give(new HeldBack('no byte in 5 s'));
      if (nth === 2) line.give(new Unreachable('nobody'));
      if (nth === 3) line.send(6);
    };
    await wait(10_000);
    expect(bench.lines.map(({ carrier }) => carrier)).toEqual(['stream', 'poll', 'stream']);
  });

  it('ends where a poll says that the log is done', async () => {
    const bench = new Bench();
    bench.refusals.stream = () => new HeldBack('no byte in 5 s');
    await settle();
    bench.line.give({ received: [], isDone: true });
    await settle();
    expect(bench.hasEnded).toBe(true);
  });
});

describe('the socket', () => {
  it('is tried first', async () => {
    const bench = new Bench(['socket', 'stream', 'poll']);
    await settle();
    expect(bench.connection).toEqual({ kind: 'open', carrier: 'socket' });
  });

  it('is ruled out where none comes about and the server streams', async () => {
    const bench = new Bench(['socket', 'stream', 'poll']);
    bench.refusals.socket = () => new NoSocket('refused');
    await settle();
    expect(bench.line.carrier).toBe('stream');
    expect(bench.isSocketRuledOut).toBe(true);
    bench.line.give(new Dropped('broken'));
    await wait(5_000);
    expect(bench.lines.map(({ carrier }) => carrier)).toEqual(['stream', 'stream']);
  });

  it('is not ruled out where the server is away altogether', async () => {
    const bench = new Bench(['socket', 'stream', 'poll']);
    bench.refusals.socket = () => new NoSocket('refused');
    bench.refusals.stream = () => new Unreachable('nobody');
    await wait(3_000);
    expect(bench.isSocketRuledOut).toBe(false);
    bench.refusals.socket = () => null;
    await wait(5_000);
    expect(bench.line.carrier).toBe('socket');
  });

  it('that holds events back is left for polling', async () => {
    const bench = new Bench(['socket', 'stream', 'poll']);
    await settle();
    bench.line.give({ ...batchOf(LOG.slice(0, 2)), isHeldBack: true });
    await settle();
    expect(bench.line.carrier).toBe('poll');
  });
});

describe('a page that wakes', () => {
  it('follows on from the cursor on a new line at once, and says nothing of it', async () => {
    const bench = new Bench();
    await settle();
    bench.line.send(3);
    await settle();
    const [former] = bench.lines;
    const nSaid = bench.said.length;
    bench.page.wake();
    await settle();
    expect(former?.isClosed).toBe(true);
    expect(bench.line.after).toBe(3);
    bench.line.send(6);
    await settle();
    expect(bench.seqs).toEqual(whole);
    expect(bench.said.slice(nSaid)).toEqual([{ kind: 'ended' }]);
  });

  it('does not wait out a pause', async () => {
    const bench = new Bench();
    bench.refusals.stream = () => new Unreachable('nobody');
    await wait(20_000);
    bench.refusals.stream = () => null;
    bench.page.wake();
    await settle();
    expect(bench.lines).toHaveLength(1);
  });
});

describe('a page that is hidden', () => {
  it('gives its stream back after 10 s, and resumes when it is seen', async () => {
    const bench = new Bench();
    await settle();
    bench.line.send(2);
    bench.page.hide();
    await wait(9_900);
    expect(bench.line.isClosed).toBe(false);
    await wait(200);
    expect(bench.line.isClosed).toBe(true);
    await wait(600_000);
    expect(bench.lines).toHaveLength(1);
    bench.page.wake();
    await settle();
    expect(bench.line.after).toBe(2);
    bench.line.send(6);
    await settle();
    expect(bench.seqs).toEqual(whole);
  });

  it('keeps a socket', async () => {
    const bench = new Bench(['socket', 'stream', 'poll']);
    await settle();
    bench.page.hide();
    await wait(600_000);
    expect(bench.line.isClosed).toBe(false);
    bench.line.send(6);
    await settle();
    expect(bench.hasEnded).toBe(true);
  });

  it('gives back the stream that a lost socket is followed by', async () => {
    const bench = new Bench(['socket', 'stream', 'poll']);
    await settle();
    bench.page.hide();
    await wait(20_000);
    bench.refusals.socket = () => new NoSocket('refused');
    bench.line.give(new Dropped('closed by the server'));
    await wait(20_000);
    expect(bench.lines.map(({ carrier, isClosed }) => [carrier, isClosed])).toEqual([
      ['socket', true],
      ['stream', true],
    ]);
  });

  it('is not given up on where it is seen again in time', async () => {
    const bench = new Bench();
    await settle();
    bench.page.hide();
    await wait(5_000);
    bench.page.wake();
    await wait(60_000);
    expect(bench.line.isClosed).toBe(false);
  });
});

it('lets go of its line when it is closed, and of every timer', async () => {
  const bench = new Bench();
  await settle();
  bench.page.hide();
  bench.following.close();
  await settle();
  expect(bench.line.isClosed).toBe(true);
  expect(bench.hasEnded).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
