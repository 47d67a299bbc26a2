/** What time it is in the log that is shown, so that a lane's running time is not told by two clocks. */
import { useMemo, useSyncExternalStore } from 'react';
import type { LiveDeliberation } from '@/live/live';
import { Replay } from '@/live/replay';
import { contactOf } from './contact';

const TICK_MS = 250;

/**
 * Events carry the server's time, which this machine's clock may not share. So it is the last event's time, and what
 * has passed here since it came, as far as the server is heard; for a replay, the moment at which it stands.
 */
export class LogClock {
  readonly #source: LiveDeliberation;
  readonly #passedMs: () => number;
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #seen = { seq: -1, loggedMs: 0, atMs: 0 };
  #nowMs = 0;

  constructor(source: LiveDeliberation, passedMs: () => number = () => performance.now()) {
    this.#source = source;
    this.#passedMs = passedMs;
    this.#nowMs = this.#read();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.tick(), TICK_MS);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  };

  /** Changes with a tick only. */
  nowMs(): number {
    return this.#nowMs;
  }

  tick(): void {
    const nowMs = this.#read();
    if (nowMs === this.#nowMs) return;
    this.#nowMs = nowMs;
    for (const listener of [...this.#listeners]) listener();
  }

  #read(): number {
    if (this.#source instanceof Replay) return this.#source.nowMs();
    const snapshot = this.#source.snapshot();
    const last = snapshot.events.at(-1);
    if (last === undefined) return 0;
    if (last.seq !== this.#seen.seq) {
      this.#seen = { seq: last.seq, loggedMs: Date.parse(last.timestamp), atMs: this.#passedMs() };
    }
    const isGoingOn = snapshot.state.status === 'running' && contactOf(snapshot, Date.now()) === 'kept';
    const passedMs = isGoingOn ? this.#passedMs() - this.#seen.atMs : 0;
    // An event that took long on its way does not turn the clock back.
    return Math.max(this.#nowMs, this.#seen.loggedMs + passedMs);
  }
}

export function useLogClock(source: LiveDeliberation): LogClock {
  return useMemo(() => new LogClock(source), [source]);
}

/** Reads something off the clock; a number or text, so that it is the same while nothing changed. */
export function useClocked<T extends number | string | null>(clock: LogClock, read: (nowMs: number) => T): T {
  return useSyncExternalStore(clock.subscribe, () => read(clock.nowMs()));
}
