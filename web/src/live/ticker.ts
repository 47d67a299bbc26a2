/** Calls at most once a frame of the screen, however often it is asked to. */

// A hidden page has no frames, and yet its title or its announcements may have to change.
const UNSEEN_MS = 250;

export class Ticker {
  readonly #tick: () => void;
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDue = false;

  constructor(tick: () => void) {
    this.#tick = tick;
  }

  schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#frame = requestAnimationFrame(() => this.#fire());
    this.#timer = setTimeout(() => this.#fire(), UNSEEN_MS);
  }

  cancel(): void {
    this.#isDue = false;
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  #fire(): void {
    if (!this.#isDue) return;
    this.cancel();
    this.#tick();
  }
}
