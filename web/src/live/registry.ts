/** The deliberations of a backend that are being followed: one object for each id, whoever asks for it. */
import { FollowedDeliberation, type Surroundings } from './followed';
import type { LiveDeliberation } from './live';

export class Registry {
  readonly #surroundings: Surroundings;
  readonly #lives = new Map<string, LiveDeliberation>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  deliberation(id: string): LiveDeliberation {
    const known = this.#lives.get(id);
    if (known !== undefined) return known;
    const live: LiveDeliberation = new FollowedDeliberation(id, this.#surroundings, (isFollowed) => {
      if (isFollowed) this.#lives.set(id, live);
      else if (this.#lives.get(id) === live) this.#lives.delete(id);
    });
    this.#lives.set(id, live);
    return live;
  }
}
