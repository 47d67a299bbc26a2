/**
 * Telling a stream that something on the way holds back from one that comes as it is made.
 *
 * Two clocks are compared, the server's in the events' timestamps and this page's at their arrival. They need not agree:
 * the least difference seen is taken for that of the clocks, so what is measured is how much longer than the quickest
 * one an event took. Not every late event was held back on the way. What is read of the past is old by nature, and what
 * lay in the browser's own buffers is late through this page's slowness; so only what was made while the page waited
 * for it counts.
 */
import type { MagiEvent } from '@/protocol/types';

// What was let go at once is still read piece by piece. Counted from the first of them and not from one to the next, or
// the backlog of a page that is a little too slow would be taken for a burst without end.
const AT_ONCE_MS = 100;

/** Watches the arrivals of one stream. `lateMs` is how much later than the quickest event is held back. */
export class Lateness {
  readonly #lateMs: number;
  #leastMs = Infinity;
  #burstAtMs = -Infinity;
  #burstAwaitedMs = -Infinity;
  #burst: { readonly madeMs: number; readonly arrivedMs: number }[] = [];

  constructor(lateMs: number) {
    this.#lateMs = lateMs;
  }

  /**
   * Takes the events of one piece, or none, and says whether something held back what came at once with it.
   *
   * `waitingSinceMs` is when the page began to wait for the piece. Both times are of one clock of the page's, any. A
   * single event is never held back: what holds back gathers.
   */
  isHeldBack(events: readonly MagiEvent[], waitingSinceMs: number, arrivedMs: number): boolean {
    if (arrivedMs - this.#burstAtMs > AT_ONCE_MS) {
      this.#burstAtMs = arrivedMs;
      this.#burstAwaitedMs = waitingSinceMs;
      this.#burst = [];
    }
    for (const event of events) {
      const madeMs = Date.parse(event.timestamp);
      if (Number.isNaN(madeMs)) continue;
      this.#burst.push({ madeMs, arrivedMs });
      this.#leastMs = Math.min(this.#leastMs, arrivedMs - madeMs);
    }
    let n = 0;
    let latestMs = 0;
    for (const { madeMs, arrivedMs: atMs } of this.#burst) {
      if (madeMs + this.#leastMs < this.#burstAwaitedMs) continue;
      n += 1;
      latestMs = Math.max(latestMs, atMs - madeMs - this.#leastMs);
    }
    return n > 1 && latestMs > this.#lateMs;
  }
}

const BEAT_MS = 500;
// Twice a beat: a page that is hidden beats once a second or less, and what it receives late says nothing.
const STALL_MS = 2 * BEAT_MS;

/**
 * Notices that the page itself stood still (a long task, a sleep, a hidden tab), in which time it waited for nothing.
 */
export class Attention {
  readonly #timer = setInterval(() => this.#beat(performance.now()), BEAT_MS);
  #beatMs = performance.now();
  #awakeSinceMs = -Infinity;

  /** Gives since when, at `nowMs`, the page has waited without a break, if it began at `sinceMs`. */
  waitingSince(sinceMs: number, nowMs: number): number {
    this.#beat(nowMs);
    return Math.max(sinceMs, this.#awakeSinceMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #beat(nowMs: number): void {
    if (nowMs - this.#beatMs > STALL_MS) this.#awakeSinceMs = nowMs;
    this.#beatMs = nowMs;
  }
}
