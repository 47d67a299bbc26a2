/** The page as the connections need to know it: whether anybody sees it, and when it wakes. */

export interface Page {
  readonly isHidden: boolean;
  /**
   * Calls `listener` when nothing that was known of connections can be trusted any more: the page is seen again, comes
   * back from the browser's cache, or is online again. All listeners are called in one go, in the order they came.
   */
  onWake(listener: () => void): () => void;
  /** Calls `listener` when the page is no longer seen. */
  onHide(listener: () => void): () => void;
}

/** The page that this script runs on. */
export class BrowserPage implements Page {
  readonly #wakes = new Set<() => void>();
  readonly #hides = new Set<() => void>();

  constructor() {
    const wake = () => this.#call(this.#wakes);
    document.addEventListener('visibilitychange', () => this.#call(this.isHidden ? this.#hides : this.#wakes));
    addEventListener('online', wake);
    addEventListener('pageshow', (event) => {
      // Else it is the first showing, with nothing to distrust.
      if (event.persisted) wake();
    });
  }

  get isHidden(): boolean {
    return document.visibilityState === 'hidden';
  }

  onWake(listener: () => void): () => void {
    this.#wakes.add(listener);
    return () => this.#wakes.delete(listener);
  }

  onHide(listener: () => void): () => void {
    this.#hides.add(listener);
    return () => this.#hides.delete(listener);
  }

  // Not a browser listener each: between two of those promises settle, and a following that was told first would reach
  // for the socket that is about to be dropped.
  #call(listeners: ReadonlySet<() => void>): void {
    for (const listener of [...listeners]) listener();
  }
}
