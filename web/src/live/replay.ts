/** A log played again: the state at any of its events, over the real timing of their timestamps. */
import { EMPTY, fold } from '@/protocol/fold';
import type { DeliberationState, MagiEvent } from '@/protocol/types';

import type { LiveDeliberation, Snapshot } from './live';
import { momentsOf, offsetsOf, type Moment } from './replayMoments';
import { timed, type Times } from './times';

export const SPEEDS = [1, 4, 16] as const;
export type Speed = (typeof SPEEDS)[number];

/** What a replay takes its time from. Frames come as `requestAnimationFrame` gives them; `nowMs` never falls. */
export interface ReplayClock {
  nowMs(): number;
  requestFrame(run: () => void): number;
  cancelFrame(frame: number): void;
}

const SCREEN: ReplayClock = {
  nowMs: () => performance.now(),
  requestFrame: (run) => requestAnimationFrame(run),
  cancelFrame: (frame) => cancelAnimationFrame(frame),
};

/** The stretch between two events that the replay stands in, where it is long enough to be taken for a stop. */
export interface Silence {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Where a replay stands. Milliseconds count from the first event, in the time of the log. */
export interface Playback {
  /** How many events have happened: the seq of the last one. */
  readonly position: number;
  readonly total: number;
  readonly atMs: number;
  readonly durationMs: number;
  readonly isPlaying: boolean;
  readonly speed: Speed;
  readonly silence: Silence | null;
}

/** With a checkpoint so often, a seek folds fewer events than this. */
const CHECKPOINT_EVERY = 500;
const SILENCE_MS = 1_500;
/** A page in the background gets no frames; what it missed is not to be leapt over when it comes back. */
const LONGEST_FRAME_MS = 250;

interface Folded {
  readonly state: DeliberationState;
  readonly times: Times;
}

/**
 * A `LiveDeliberation` over the events of a log, finished or as far as it is loaded.
 *
 * Its snapshot is what a page showed when the event at `position` had just come. Listeners are called for every change
 * of the snapshot or of the playback; playing calls them once a frame.
 */
export class Replay implements LiveDeliberation {
  readonly id: string;
  readonly #clock: ReplayClock;
  #events: readonly MagiEvent[] = [];
  #offsets: readonly number[] = [];
  #moments: readonly Moment[] = [];
  /** `#checkpoints[i]` is the state after `i * CHECKPOINT_EVERY` events; as far as anybody went. */
  readonly #checkpoints: Folded[] = [{ state: EMPTY, times: {} }];
  #folded: Folded = { state: EMPTY, times: {} };
  #atMs = 0;
  #speed: Speed = 1;
  #frame: number | null = null;
  #frameMs = 0;
  #snapshot: Snapshot;
  #playback: Playback;
  readonly #listeners = new Set<() => void>();

  /** Stands at the end of `events`, paused. */
  constructor(id: string, events: readonly MagiEvent[], clock: ReplayClock = SCREEN) {
    this.id = id;
    this.#clock = clock;
    this.#learn(events);
    this.#goTo(events.length);
    this.#atMs = this.#durationMs;
    this.#snapshot = this.#shot();
    this.#playback = this.#played();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  playback(): Playback {
    return this.#playback;
  }

  /** The whole log, as far as it was taken. */
  events(): readonly MagiEvent[] {
    return this.#events;
  }

  moments(): readonly Moment[] {
    return this.#moments;
  }

  /** What a clock on the wall showed at this moment of the log, in epoch milliseconds. */
  nowMs(): number {
    const first = this.#events[0];
    return (first === undefined ? 0 : Date.parse(first.timestamp)) + this.#atMs;
  }

  /** There is no work to stop. */
  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** There is nothing to reach. */
  reconnect(): void {
    return;
  }

  /** Takes what the log has grown to. The moment that is shown stays. */
  take(events: readonly MagiEvent[]): void {
    if (events.length <= this.#events.length) return;
    this.#learn(events);
    this.#tell();
  }

  /** Plays on from here; from the beginning where the end was reached. */
  play(): void {
    if (this.#frame !== null || this.#events.length === 0) return;
    if (this.#position >= this.#events.length) this.#moveToTime(0);
    this.#frameMs = this.#clock.nowMs();
    this.#frame = this.#clock.requestFrame(this.#advance);
    this.#tell();
  }

  pause(): void {
    this.#halt();
    this.#tell();
  }

  setSpeed(speed: Speed): void {
    this.#speed = speed;
    this.#tell();
  }

  /** Shows the state after the event of that seq; the nearest there is. Playing goes on from there. */
  seek(seq: number): void {
    this.#goTo(Math.min(Math.max(1, Math.trunc(seq)), this.#events.length));
    this.#atMs = this.#offsets[this.#position - 1] ?? 0;
    this.#tell();
  }

  /** Shows the state at a time since the first event. Playing goes on from there. */
  seekTime(atMs: number): void {
    this.#moveToTime(atMs);
    this.#tell();
  }

  toEnd(): void {
    this.#halt();
    this.seek(this.#events.length);
  }

  /** Goes to the next moment after the one shown, or back to the last one before it; stays where there is none. */
  step(direction: 'next' | 'previous'): void {
    const found =
      direction === 'next'
        ? this.#moments.find(({ seq }) => seq > this.#position)
        : this.#moments.findLast(({ seq }) => seq < this.#position);
    if (found !== undefined) this.seek(found.seq);
  }

  get #position(): number {
    return this.#folded.state.cursor;
  }

  get #durationMs(): number {
    return this.#offsets.at(-1) ?? 0;
  }

  #learn(events: readonly MagiEvent[]): void {
    this.#events = events;
    this.#offsets = offsetsOf(events, this.#offsets);
    this.#moments = momentsOf(events, this.#offsets);
  }

  readonly #advance = (): void => {
    // A replay that was left must not run on.
    if (this.#listeners.size === 0) {
      this.pause();
      return;
    }
    const nowMs = this.#clock.nowMs();
    const passedMs = Math.min(nowMs - this.#frameMs, LONGEST_FRAME_MS);
    this.#frameMs = nowMs;
    this.#moveToTime(this.#atMs + passedMs * this.#speed);
    const isOver = this.#position >= this.#events.length;
    this.#frame = isOver ? null : this.#clock.requestFrame(this.#advance);
    this.#tell();
  };

  #halt(): void {
    if (this.#frame !== null) this.#clock.cancelFrame(this.#frame);
    this.#frame = null;
  }

  #moveToTime(atMs: number): void {
    this.#atMs = Math.min(Math.max(0, atMs), this.#durationMs);
    this.#goTo(countUpTo(this.#offsets, this.#atMs));
  }

  /** Folds from the nearest checkpoint, or on from where it stands, whichever is nearer. */
  #goTo(position: number): void {
    const stored = Math.min(Math.floor(position / CHECKPOINT_EVERY), this.#checkpoints.length - 1);
    const isAhead = position >= this.#position && this.#position >= stored * CHECKPOINT_EVERY;
    let { state, times } = isAhead ? this.#folded : (this.#checkpoints[stored] ?? this.#folded);
    for (const event of this.#events.slice(state.cursor, position)) {
      state = fold(state, event);
      times = timed(times, event);
      if (state.cursor === this.#checkpoints.length * CHECKPOINT_EVERY) this.#checkpoints.push({ state, times });
    }
    this.#folded = { state, times };
  }

  #tell(): void {
    if (this.#snapshot.state !== this.#folded.state) this.#snapshot = this.#shot();
    const playback = this.#played();
    if (isSame(playback, this.#playback)) return;
    this.#playback = playback;
    for (const listener of [...this.#listeners]) listener();
  }

  #shot(): Snapshot {
    const { state, times } = this.#folded;
    const events = this.#events.slice(0, state.cursor);
    return { state, times, connection: { kind: 'ended' }, stopping: 'no', events, verified: null };
  }

  #played(): Playback {
    return {
      position: this.#position,
      total: this.#events.length,
      atMs: this.#atMs,
      durationMs: this.#durationMs,
      isPlaying: this.#frame !== null,
      speed: this.#speed,
      silence: this.#silence(),
    };
  }

  #silence(): Silence | null {
    const fromMs = this.#offsets[this.#position - 1];
    const toMs = this.#offsets[this.#position];
    if (fromMs === undefined || toMs === undefined || toMs - fromMs < SILENCE_MS) return null;
    // Of the silence object only the same one is the same, so it is kept for as long as it lasts.
    const before = this.#playback as Playback | undefined;
    if (before?.silence?.fromMs === fromMs && before.silence.toMs === toMs) return before.silence;
    return { fromMs, toMs };
  }
}

/** How many of the offsets are at most `atMs`. */
function countUpTo(offsets: readonly number[], atMs: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isSame(a: Playback, b: Playback): boolean {
  return (Object.keys(a) as (keyof Playback)[]).every((key) => Object.is(a[key], b[key]));
}
