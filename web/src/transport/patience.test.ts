// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiProblem, Unreachable } from '@/protocol/failures';
import { BackOff, inTurn, isPassing, patiently, pause, TIMING } from './patience';

const problem = (status: number, retryable = false) =>
  new ApiProblem(status, { title: 't', status, code: 'c', detail: 'd', retryable });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the back-off', () => {
  it('doubles its bound from 0.2 s up to 5 s, and draws from all of it', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const longest = new BackOff(TIMING);
    expect(Array.from({ length: 7 }, () => longest.failed())).toEqual([200, 400, 800, 1600, 3200, 5000, 5000]);
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const shortest = new BackOff(TIMING);
    expect([shortest.failed(), shortest.failed()]).toEqual([0, 0]);
  });

  it('counts from the first failure since the last success', () => {
    const backOff = new BackOff(TIMING);
    const firstMs = Date.now();
    backOff.failed();
    vi.advanceTimersByTime(700);
    backOff.failed();
    expect([backOff.tries, backOff.sinceMs]).toEqual([2, firstMs]);
    backOff.succeeded();
    backOff.failed();
    expect([backOff.tries, backOff.sinceMs]).toEqual([1, firstMs + 700]);
  });

  it('stays finite however long it fails', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const backOff = new BackOff(TIMING);
    for (let n = 0; n < 3_000; n += 1) expect(backOff.failed()).toBeLessThanOrEqual(5_000);
  });
});

it.each([
  [new Unreachable('nobody'), true],
  [new Unreachable('a proxy', 502), true],
  [new Unreachable('some page', 200), false],
  [problem(404), false],
  [problem(400, true), true],
  [problem(408), true],
  [problem(425), true],
  [problem(429), true],
  [problem(503), true],
  [problem(401), false],
])('says of %o whether waiting may mend it', (error, expected) => {
  expect(isPassing(error)).toBe(expected);
});

describe('patiently', () => {
  it('tries again what may pass, and gives what comes in the end', async () => {
    const call = vi.fn<() => Promise<string>>();
    call.mockRejectedValueOnce(problem(503)).mockRejectedValueOnce(new Unreachable('?')).mockResolvedValueOnce('done');
    const result = patiently(call, TIMING);
    await vi.runAllTimersAsync();
    expect(await result).toBe('done');
    expect(call).toHaveBeenCalledTimes(3);
  });

  it('gives up what lasts at once', async () => {
    const call = vi.fn<() => Promise<string>>().mockRejectedValue(problem(404));
    await expect(patiently(call, TIMING)).rejects.toMatchObject({ status: 404 });
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('waits for as long as it is told to, and gives up at once where that is beyond its reach', async () => {
    const told = (seconds: number) => new ApiProblem(429, { ...problem(429).problem, retryable: true }, seconds);
    const call = vi.fn<() => Promise<string>>();
    call.mockRejectedValueOnce(told(2)).mockResolvedValueOnce('done');
    const startedMs = Date.now();
    const result = patiently(call, TIMING);
    await vi.runAllTimersAsync();
    expect(await result).toBe('done');
    expect(Date.now() - startedMs).toBe(2_000);
    const much = vi.fn<() => Promise<string>>().mockRejectedValue(told(30));
    await expect(patiently(much, TIMING)).rejects.toMatchObject({ status: 429, retryAfterS: 30 });
    expect(much).toHaveBeenCalledTimes(1);
  });

  it('gives up after its reach', async () => {
    const call = vi.fn<() => Promise<string>>().mockRejectedValue(problem(503));
    const startedMs = Date.now();
    const failed = expect(patiently(call, TIMING)).rejects.toMatchObject({ status: 503 });
    await vi.runAllTimersAsync();
    await failed;
    expect(Date.now() - startedMs).toBeLessThanOrEqual(TIMING.reachMs);
    expect(call.mock.calls.length).toBeGreaterThan(2);
  });
});

describe('in its turn', () => {
  const overloaded = (seconds: number) =>
    new ApiProblem(503, { ...problem(503, true).problem, code: 'overloaded' }, seconds);
  const signal = new AbortController().signal;

  it('asks an overloaded server again when it said to, and says each time that it waits', async () => {
    const call = vi.fn<() => Promise<string>>();
    call.mockRejectedValueOnce(overloaded(2)).mockRejectedValueOnce(overloaded(3)).mockResolvedValueOnce('done');
    const onWait = vi.fn();
    const startedMs = Date.now();
    const result = inTurn(call, TIMING, signal, onWait);
    await vi.runAllTimersAsync();
    expect(await result).toBe('done');
    expect(Date.now() - startedMs).toBeGreaterThanOrEqual(5_000);
    expect(onWait).toHaveBeenCalledTimes(2);
  });

  it('gives the refusal on where its turn does not come', async () => {
    const call = vi.fn<() => Promise<string>>().mockRejectedValue(overloaded(3));
    const startedMs = Date.now();
    const failed = expect(inTurn(call, TIMING, signal, vi.fn())).rejects.toMatchObject({ status: 503 });
    await vi.runAllTimersAsync();
    await failed;
    expect(Date.now() - startedMs).toBeLessThanOrEqual(TIMING.turnMs);
    expect(call.mock.calls.length).toBeGreaterThan(4);
  });

  it('waits for nothing else, and for nobody who has left', async () => {
    for (const error of [problem(503, true), problem(429, true), new Unreachable('?')]) {
      const call = vi.fn<() => Promise<string>>().mockRejectedValue(error);
      await expect(inTurn(call, TIMING, signal, vi.fn())).rejects.toBe(error);
      expect(call).toHaveBeenCalledTimes(1);
    }
    const leaving = new AbortController();
    const call = vi.fn<() => Promise<string>>().mockRejectedValue(overloaded(5));
    const failed = expect(inTurn(call, TIMING, leaving.signal, () => leaving.abort())).rejects.toBeInstanceOf(
      ApiProblem,
    );
    await vi.runAllTimersAsync();
    await failed;
    expect(call).toHaveBeenCalledTimes(1);
  });
});

it('ends a pause as soon as it is broken off', async () => {
  const over = new AbortController();
  const paused = pause(60_000, over.signal);
  over.abort();
  await paused;
  expect(vi.getTimerCount()).toBe(0);
  await pause(60_000, over.signal);
});
