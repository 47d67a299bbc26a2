/** A deliberation that is being followed: what has come of it, folded, and how it comes. */
import { ApiProblem, Unreachable } from '@/protocol/failures';
import { Digest } from '@/protocol/digest';
import { EMPTY, fold } from '@/protocol/fold';
import type { DeliberationState, MagiEvent } from '@/protocol/types';
import type { Api } from '@/transport/api';
import type { Connection } from '@/transport/connection';
import { Following, type Ways } from '@/transport/following';
import type { Page } from '@/transport/page';
import { patiently, type Timing } from '@/transport/patience';
import type { Received } from '@/transport/received';
import type { LiveDeliberation, Snapshot, Stopping } from './live';
import { Ticker } from './ticker';
import { timed, type Times } from './times';

/** What a followed deliberation needs of its backend. */
export interface Surroundings {
  readonly api: Api;
  readonly ways: Ways;
  readonly page: Page;
  readonly timing: Timing;
  /** How long it is followed on behind its last listener. */
  readonly graceMs: number;
}

/**
 * Follows from its first listener until some time after its last; a listener that comes later goes on from there.
 *
 * `onFollowed` is called with whether it is being followed, when that changes.
 */
export class FollowedDeliberation implements LiveDeliberation {
  readonly id: string;
  readonly #surroundings: Surroundings;
  readonly #onFollowed: (isFollowed: boolean) => void;
  readonly #listeners = new Set<() => void>();
  readonly #ticker = new Ticker(() => this.#publish());
  readonly #events: MagiEvent[] = [];
  readonly #digest = new Digest();
  #following: Following | null = null;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;
  #state: DeliberationState = EMPTY;
  #times: Times = {};
  #connection: Connection = { kind: 'connecting' };
  #stopping: Stopping = 'no';
  #verified: boolean | null = null;
  #copied: readonly MagiEvent[] = [];
  #published: Snapshot;

  constructor(id: string, surroundings: Surroundings, onFollowed: (isFollowed: boolean) => void) {
    this.id = id;
    this.#surroundings = surroundings;
    this.#onFollowed = onFollowed;
    this.#published = this.#current();
  }

  subscribe(listener: () => void): () => void {
    clearTimeout(this.#graceTimer);
    this.#listeners.add(listener);
    this.#following ??= this.#followed();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#graceTimer = setTimeout(() => this.#leave(), this.#surroundings.graceMs);
    };
  }

  snapshot(): Snapshot {
    return this.#published;
  }

  async stop(): Promise<void> {
    if (this.#stopping === 'asked' || this.#hasEnded()) return;
    this.#stop('asked');
    try {
      await patiently(() => this.#surroundings.api.cancel(this.id), this.#surroundings.timing);
    } catch (error) {
      if (!(error instanceof ApiProblem || error instanceof Unreachable)) throw error;
      if (!this.#hasEnded()) this.#stop('failed');
    }
  }

  reconnect(): void {
    this.#following?.reconnect();
  }

  #followed(): Following {
    const { ways, page, timing } = this.#surroundings;
    const onConnection = (connection: Connection) => {
      this.#connection = connection;
      this.#ticker.schedule();
    };
    const following = new Following(this.id, ways, page, timing, onConnection, this.#state.cursor);
    this.#onFollowed(true);
    if (!this.#hasEnded()) void this.#follow(following);
    return following;
  }

  async #follow(following: Following): Promise<void> {
    for await (const received of following.batches()) this.#take(received);
  }

  #leave(): void {
    this.#following?.close();
    this.#following = null;
    this.#onFollowed(false);
  }

  #take(received: readonly Received[]): void {
    const proved: string[] = [];
    for (const { event, text } of received) {
      this.#events.push(event);
      this.#state = fold(this.#state, event);
      this.#times = timed(this.#times, event);
      if (event.type !== 'complete') proved.push(text);
    }
    this.#digest.add(proved);
    if (this.#hasEnded()) void this.#conclude();
    this.#ticker.schedule();
  }

  async #conclude(): Promise<void> {
    this.#stopping = 'no';
    // After another end nothing states a digest; matching lets go of the texts in any case.
    this.#verified = await this.#digest.matches(this.#state.complete?.digest ?? '');
    this.#ticker.schedule();
  }

  #hasEnded(): boolean {
    const { complete, cancelled, error } = this.#state;
    return complete != null || cancelled != null || error != null;
  }

  #stop(stopping: Stopping): void {
    this.#stopping = stopping;
    this.#ticker.schedule();
  }

  #publish(): void {
    this.#published = this.#current();
    for (const listener of [...this.#listeners]) listener();
  }

  #current(): Snapshot {
    const [state, times, connection] = [this.#state, this.#times, this.#connection];
    const copied = this.#copyOf(this.#events.length);
    return {
      state,
      times,
      connection,
      stopping: this.#stopping,
      verified: this.#verified,
      get events() {
        return copied();
      },
    };
  }

  /** Copies the log when it is first asked for: most pages never do, and there is a snapshot for every frame. */
  #copyOf(length: number): () => readonly MagiEvent[] {
    let copy: readonly MagiEvent[] | null = null;
    return () => {
      if (copy === null) {
        if (this.#copied.length !== length) this.#copied = this.#events.slice(0, length);
        copy = this.#copied;
      }
      return copy;
    };
  }
}
