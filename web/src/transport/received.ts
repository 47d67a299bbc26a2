/** What comes from a backend: events with their texts, in batches, over lines that can break in named ways. */
import { decode, MalformedEvent } from '@/protocol/decode';
import type { MagiEvent } from '@/protocol/types';
import type { Carrier } from './connection';

/** One event, and its JSON exactly as the log holds it. */
export interface Received {
  readonly event: MagiEvent;
  readonly text: string;
}

/**
 * What one reading gave, in the order it came; nothing, where all that came is a sign of life.
 *
 * `fault` says why nothing further can be read there; `isHeldBack` that something on the way gathers events; `isDone`
 * that the log ends with this batch.
 */
export interface Batch {
  readonly received: readonly Received[];
  readonly fault?: string;
  readonly isHeldBack?: boolean;
  readonly isDone?: boolean;
}

/** A way on which a deliberation's log is read on; after a failure of any kind it is closed and another one opened. */
export interface Line {
  readonly carrier: Carrier;
  /**
   * Waits for what comes next; `after` is the last seq that was read. Rejects with `Dropped`, `HeldBack`, `ApiProblem`
   * or `Unreachable`; with `Dropped` where it is closed meanwhile.
   */
  read(after: number): Promise<Batch>;
  close(): void;
}

/** The line broke, or ended before the terminal event. */
export class Dropped extends Error {
  override readonly name = 'Dropped';
}

/** Something on the way keeps the stream to itself; the message says how one can tell. */
export class HeldBack extends Error {
  override readonly name = 'HeldBack';
}

/** No socket comes about here. */
export class NoSocket extends Error {
  override readonly name = 'NoSocket';
}

/** Reads the events of one piece. From the first one that is none on, nothing counts. */
export function batchOf(texts: readonly string[]): Batch & { readonly received: Received[] } {
  const received: Received[] = [];
  for (const text of texts) {
    try {
      received.push({ event: decode(text), text });
    } catch (error) {
      if (!(error instanceof MalformedEvent)) throw error;
      return { received, fault: `what came is no event (${error.message})` };
    }
  }
  return { received };
}
