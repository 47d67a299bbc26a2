/**
 * Reading a JSON message whose `events` are wanted as the very texts they were sent as, because the log's digest is over
 * those: parsed and written again, `1.0` would be `1`.
 */

/** The message without the content of its `events`, and the text of each of those. */
export interface RawMessage {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
}

/**
 * Takes a message apart. Where it has no `events`, there are none.
 *
 * @throws SyntaxError the message is no JSON object.
 */
export function takenApart(message: string): RawMessage {
  const list = listOfEvents(message);
  const head = list === null ? message : `${message.slice(0, list.from)}${message.slice(list.to)}`;
  const fields: unknown = JSON.parse(head);
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new SyntaxError('no JSON object');
  return { fields: fields as Record<string, unknown>, events: list === null ? [] : list.items };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);

interface List {
  /** Where the list's content begins and ends, its brackets not counted. */
  readonly from: number;
  readonly to: number;
  readonly items: readonly string[];
}

/** Finds the list under the outermost `events`. What is not JSON gives anything; `JSON.parse` tells then. */
function listOfEvents(text: string): List | null {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (OPENING.has(code)) depth += 1;
    else if (CLOSING.has(code)) depth -= 1;
    else if (code === QUOTE) {
      const end = endOfString(text, at);
      const from = depth === 1 && text.slice(at, end) === '"events"' ? startOfList(text, end) : null;
      if (from !== null) return listFrom(text, from);
      at = end - 1;
    }
  }
  return null;
}

const LIST = /\s*:\s*\[/y;

/** Gives where the content of the list begins that is the value of the key that ends at `at`; null, if none is. */
function startOfList(text: string, at: number): number | null {
  LIST.lastIndex = at;
  return LIST.test(text) ? LIST.lastIndex : null;
}

function listFrom(text: string, from: number): List | null {
  const items: string[] = [];
  let depth = 0;
  let start = from;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (OPENING.has(code)) depth += 1;
    else if (depth > 0) depth -= CLOSING.has(code) ? 1 : 0;
    else if (code === COMMA || CLOSING.has(code)) {
      const item = text.slice(start, at).trim();
      if (item !== '' || items.length > 0) items.push(item);
      if (code !== COMMA) return { from, to: at, items };
      start = at + 1;
    }
  }
  return null;
}

/** Gives where the string that begins at `at` ends, its quotes included. */
function endOfString(text: string, at: number): number {
  let end = at;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
}
