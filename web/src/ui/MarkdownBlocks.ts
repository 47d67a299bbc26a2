/**
 * Cuts Markdown into its top-level blocks, so that of a text that streams only the last block is parsed again.
 *
 * Nothing is lost: the blocks joined are the text. Fenced code, lists, tables and quotes stay whole. A line counts only
 * once it is complete, so that a text cut as it grows has the same blocks as one cut at once.
 */

interface Fence {
  readonly mark: string;
  /** A fence of the top level is a block of its own; one in a list belongs to its item. */
  readonly isTop: boolean;
}

/** A text, cut as far as it has come. `tail` is the block that may still grow. */
export interface Blocks {
  readonly text: string;
  readonly done: readonly string[];
  readonly tail: string;
  readonly at: Place;
}

interface Place {
  /** Where the tail begins, and where the first line begins that was not complete yet. */
  readonly tailAt: number;
  readonly lineAt: number;
  readonly fence: Fence | null;
  readonly isList: boolean;
  readonly isBlank: boolean;
  readonly isEmpty: boolean;
}

const START: Place = { tailAt: 0, lineAt: 0, fence: null, isList: false, isBlank: false, isEmpty: true };
export const NO_BLOCKS: Blocks = { text: '', done: [], tail: '', at: START };

const ITEM = /^\s*(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;
const HEADING = /^#{1,6}(?:\s|$)/;
const OPENER = /^\s*(`{3,}(?!.*`)|~{3,})/;

/** Shorter blocks stay together, or a text of single letters would be as many blocks. */
const LEAST_CHARS = 200;

/** Cuts `text`; where it continues what `before` was cut from, only what is new is looked at. */
export function grownBlocks(before: Blocks, text: string, leastChars = LEAST_CHARS): Blocks {
  if (text === before.text) return before;
  const known = text.startsWith(before.text) ? before : NO_BLOCKS;
  const done: string[] = [];
  let at = known.at;
  for (let end = text.indexOf('\n', at.lineAt); end !== -1; end = text.indexOf('\n', at.lineAt)) {
    at = afterLine(at, text, end + 1, done, leastChars);
  }
  return {
    text,
    done: done.length === 0 ? known.done : [...known.done, ...done],
    tail: text.slice(at.tailAt),
    at,
  };
}

/** Cuts a whole text. */
export function splitBlocks(text: string, leastChars = LEAST_CHARS): readonly string[] {
  const { done, tail } = grownBlocks(NO_BLOCKS, text, leastChars);
  return tail === '' ? done : [...done, tail];
}

function afterLine(at: Place, text: string, end: number, done: string[], leastChars: number): Place {
  const line = text.slice(at.lineAt, end);
  const isBlank = line.trim() === '';
  const indent = indentOf(line);
  if (at.fence !== null) {
    const isOut = !at.fence.isTop && !isBlank && indent === 0 && !isClosing(line, at.fence);
    if (!isOut) return inFence(at, at.fence, line, text, end, done);
  }
  if (isBlank) return { ...at, fence: null, lineAt: end, isBlank: true };
  const isItem = ITEM.test(line);
  const opener = OPENER.exec(line)?.[1];
  const isTop = indent === 0 || (indent < 4 && !at.isList);
  const fence = opener === undefined ? null : { mark: opener, isTop };
  let next = at;
  const isDue = fence?.isTop === true || at.lineAt - at.tailAt >= leastChars;
  if (!at.isEmpty && isDue && isCutBefore(at, line, indent, isItem, fence)) {
    done.push(text.slice(at.tailAt, at.lineAt));
    next = { ...START, tailAt: at.lineAt };
  }
  return { ...next, lineAt: end, fence, isList: next.isList || isItem, isBlank: false, isEmpty: false };
}

function isCutBefore(at: Place, line: string, indent: number, isItem: boolean, fence: Fence | null): boolean {
  if (fence?.isTop === true) return true;
  if (indent === 0 && HEADING.test(line)) return true;
  if (!at.isBlank) return false;
  return at.isList ? indent === 0 && !isItem : indent < 4;
}

function inFence(at: Place, fence: Fence, line: string, text: string, end: number, done: string[]): Place {
  if (!isClosing(line, fence)) return { ...at, lineAt: end, isBlank: line.trim() === '' };
  if (!fence.isTop) return { ...at, lineAt: end, fence: null, isBlank: false };
  done.push(text.slice(at.tailAt, end));
  return { ...START, tailAt: end, lineAt: end };
}

function isClosing(line: string, { mark }: Fence): boolean {
  const given = line.trim();
  return given.length >= mark.length && given === mark.charAt(0).repeat(given.length);
}

function indentOf(line: string): number {
  let columns = 0;
  for (const letter of line) {
    if (letter === ' ') columns += 1;
    else if (letter === '\t') columns += 4;
    else break;
  }
  return columns;
}

/** A text of which the first `count` finished blocks are shown, and the last one once all of them are. */
export interface Shown {
  readonly blocks: Blocks;
  readonly count: number;
}

export const NOTHING_SHOWN: Shown = { blocks: NO_BLOCKS, count: 0 };

/** What one step may add: about what is parsed within a frame on a small machine. */
const STEP_CHARS = 3_000;
const BLOCK_COST_CHARS = 200;

/** The next step on the way to all of `text`; the same object where all of it is shown. */
export function shownNext(before: Shown, text: string): Shown {
  const blocks = grownBlocks(before.blocks, text);
  let count = Math.min(before.count, blocks.done.length);
  let cost = 0;
  while (count < blocks.done.length) {
    cost += Math.max(blocks.done[count]?.length ?? 0, BLOCK_COST_CHARS);
    if (cost > STEP_CHARS && count > before.count) break;
    count += 1;
    if (cost > STEP_CHARS) break;
  }
  return blocks === before.blocks && count === before.count ? before : { blocks, count };
}

/** A block of fenced code: what stands between its fences. */
export interface Code {
  readonly language: string;
  readonly content: string;
}

/** Reads a block that is one fence of the top level, closed or still growing; null for any other block. */
export function codeOf(block: string): Code | null {
  const [first = '', ...rest] = block.replace(/^(?:[ \t\r]*\n)+/, '').split('\n');
  const mark = indentOf(first) < 4 ? OPENER.exec(first)?.[1] : undefined;
  if (mark === undefined) return null;
  while (rest.at(-1)?.trim() === '' && rest.length > 1) rest.pop();
  const last = rest.at(-1);
  if (last !== undefined && isClosing(last, { mark, isTop: true })) rest.pop();
  return { language: first.trimStart().slice(mark.length).trim(), content: rest.join('\n') };
}

/** Beyond these a block costs more to parse than a frame of the screen can spare. */
const PARSED_CHARS = 6_000;
const PARSED_LINES = 150;
const MARKS = 600;
const MARK_SHARE = 0.3;
const DEPTH_COLUMNS = 40;
const CONTAINERS = /^(?:[ \t]*(?:>|[-*+](?=[ \t>])|\d{1,9}[.)](?=[ \t]))){9}/m;

/**
 * Whether a block is shown as it was written, because it is too big, or because it is nested or marked up so densely
 * that the parser's time, which grows with the square of that, or its recursion would run away.
 */
export function isShownAsWritten(block: string): boolean {
  if (block.length > PARSED_CHARS || CONTAINERS.test(block) || isUnbroken(block)) return true;
  const lines = block.split('\n');
  if (lines.length > PARSED_LINES) return true;
  if (lines.some((line) => indentOf(line) > DEPTH_COLUMNS && ITEM.test(line))) return true;
  const n = block.match(/[*_~[\]!<`&]/g)?.length ?? 0;
  return n > MARKS || (n > 100 && n > MARK_SHARE * block.length);
}

/**
 * A block that grows, without a last line that may be about to become something else: the first sign of a list's next
 * item, under a line of text, would make a heading of that line for a moment.
 */
export function certain(block: string): string {
  return block.replace(/\n[ \t]*(?:-{1,2}|=+|[*+>|#]+|\d{1,3}[.)]?)[ \t]*$/, '\n');
}

/**
 * More letters in a row than any word has, of a writing that is broken into lines at its spaces only. What is no space to
 * a line, such as one that does not break, counts as a letter.
 */
const UNBROKEN =
  /[^ \t\r\n\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\ud800-\udfff\uff00-\uffef]{400}/;

/** Whether the text has a stretch for which looking for the ends of its lines takes the square of its length. */
export function isUnbroken(text: string): boolean {
  return UNBROKEN.test(text);
}

/** So little is laid out within a frame, whatever it is; the browser skips by pieces what is out of view. */
const PIECE_CHARS = 1_000;
const PIECE_LINES = 80;
/** A piece ends at a space where one is so near. */
const SPACE_CHARS = 100;

/** Cuts a long text at ends of lines where it has any, so that of one that grows only the last piece changes. */
export function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  let at = 0;
  while (at < text.length) {
    const end = pieceEnd(text, at);
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

function pieceEnd(text: string, at: number): number {
  const most = at + PIECE_CHARS;
  let end = at;
  for (let n = 0; n < PIECE_LINES; n += 1) {
    const next = text.indexOf('\n', end);
    if (next === -1 || next >= most) {
      if (text.length <= most) return text.length;
      return end > at ? end : withinLine(text, most);
    }
    end = next + 1;
  }
  return end;
}

function withinLine(text: string, most: number): number {
  const afterSpace = text.lastIndexOf(' ', most - 1) + 1;
  return afterSpace > most - SPACE_CHARS ? afterSpace : wholeLetter(text, most);
}

/** A place that does not part a surrogate pair. */
function wholeLetter(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at + 1 : at;
}

/** Control characters, such as those of a terminal's colours, as the signs that stand for them. */
export function visibleControls(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, (sign) =>
    sign === '\u007f' ? '\u2421' : String.fromCharCode(0x2400 + sign.charCodeAt(0)),
  );
}
