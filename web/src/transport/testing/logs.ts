/** Logs for tests, and how they are sent. */
import type { ServerResponse } from 'node:http';
import type { Page } from '../page';
import { TIMING, type Timing } from '../patience';

/** Patience for tests on real connections: what must not come true is far away, pauses are short. */
export const QUICK: Timing = { ...TIMING, backOffMs: 1, longestBackOffMs: 4, pollWaitS: 0.05, reachMs: 200 };

/** The texts of a log of `n` events; the last one is terminal. */
export function logOf(n: number): string[] {
  const at = '2026-01-01T12:00:00.000Z';
  return Array.from({ length: n }, (_, place) => {
    const common = { seq: place + 1, timestamp: at };
    if (place === n - 1) {
      return JSON.stringify({ type: 'error', ...common, error: 'over', message: 'All said.', retryable: false });
    }
    return JSON.stringify({ type: 'chunk', ...common, agentId: 'caspar', content: `“word ${place}” ` });
  });
}

export function seqOf(text: string): number {
  return (JSON.parse(text) as { seq: number }).seq;
}

export const PRELUDE = `: magi.v1${' '.repeat(1024)}\n\n`;

export function frame(text: string): string {
  return `id: ${seqOf(text)}\ndata: ${text}\n\n`;
}

/** Begins a stream as the server does. */
export function streamTo(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(PRELUDE);
}

/** A page that is hidden and woken by the test. */
export class FakePage implements Page {
  isHidden = false;
  readonly #wakes = new Set<() => void>();
  readonly #hides = new Set<() => void>();

  onWake(listener: () => void): () => void {
    this.#wakes.add(listener);
    return () => this.#wakes.delete(listener);
  }

  onHide(listener: () => void): () => void {
    this.#hides.add(listener);
    return () => this.#hides.delete(listener);
  }

  hide(): void {
    this.isHidden = true;
    for (const hide of [...this.#hides]) hide();
  }

  wake(): void {
    this.isHidden = false;
    for (const wake of [...this.#wakes]) wake();
  }
}
