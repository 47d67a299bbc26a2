/** A council as a file: the very JSON that a request gives a council in, so that it can be used there too. */
import { checkCouncil, type Checked } from './check';
import { BOUNDS, written, type Listed } from './council';

/** What the server says of a council beside the council itself; an answer of `GET /councils` can be imported as it is. */
const SAID_BY_SERVER = ['preset', 'updatedAt'];

export function exported(council: Listed): string {
  return `${JSON.stringify(written(council), null, 2)}\n`;
}

export function fileName(council: Listed): string {
  return `council-${council.id}.json`;
}

/** Reads a council from a file's text; every fault is named. */
export function imported(text: string): Checked {
  if (new Blob([text]).size > BOUNDS.bytes) return tooLarge;
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return { council: null, faults: [{ field: '', code: 'json' }] };
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    value = Object.fromEntries(Object.entries(value).filter(([name]) => !SAID_BY_SERVER.includes(name)));
  return checkCouncil(value);
}

export const tooLarge: Checked = {
  council: null,
  faults: [{ field: '', code: 'tooLarge', values: { kib: BOUNDS.bytes / 1024 } }],
};
