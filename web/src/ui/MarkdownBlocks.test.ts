import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  certain,
  codeOf,
  grownBlocks,
  isShownAsWritten,
  NO_BLOCKS,
  NOTHING_SHOWN,
  piecesOf,
  shownNext,
  splitBlocks,
  visibleControls,
} from './MarkdownBlocks';

/** Lines that open, continue and end every kind of block, so that a random text is a hard one. */
const lines = fc.array(
  fc.constantFrom(
    '', '', '  ', 'words', '# Heading', '- item', '  in an item', '1. one', '   ```', '```', '```ts', '~~~', '> quote',
    '| a | b |', '|---|---|', '    indented', '\ttab', '* * *', '-', 'x\r', '````', '```not a fence```',
  ),
  { maxLength: 30 },
); // prettier-ignore
const texts = fc.oneof(
  lines.map((all) => all.join('\n')),
  fc.string(),
);

describe('blocks', () => {
  it('joined are the text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(splitBlocks(text).join('')).toBe(text);
        expect(splitBlocks(text, 0).join('')).toBe(text);
      }),
    );
  });

  it('of a text that grows are those of the whole text', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(60), { maxLength: 12 }), (text, cuts) => {
        let blocks = NO_BLOCKS;
        for (const cut of [...cuts].sort((a, b) => a - b)) blocks = grownBlocks(blocks, text.slice(0, cut), 0);
        blocks = grownBlocks(blocks, text, 0);
        expect([...blocks.done, ...(blocks.tail === '' ? [] : [blocks.tail])]).toEqual(splitBlocks(text, 0));
      }),
    );
  });

  it('that are done stay the same objects while the last one grows', () => {
    const before = grownBlocks(NO_BLOCKS, 'one\n\ntwo\n\nthr', 0);
    const after = grownBlocks(before, 'one\n\ntwo\n\nthree', 0);
    expect(before.done).toEqual(['one\n\n', 'two\n\n'].slice(0, before.done.length));
    expect(after.done).toBe(before.done);
  });

  it('begin anew when the text is another one', () => {
    const before = grownBlocks(NO_BLOCKS, 'one\n\ntwo\n\n', 0);
    expect(grownBlocks(before, 'other').tail).toBe('other');
    expect(grownBlocks(before, 'other').done).toEqual([]);
  });

  it.each([
    ['paragraphs', 'one\nmore\n\ntwo\n', ['one\nmore\n\n', 'two\n']],
    ['headings', 'one\n# Two\nthree\n', ['one\n', '# Two\nthree\n']],
    ['a loose list', '- a\n\n- b\n\n  more b\n\nafter\n', ['- a\n\n- b\n\n  more b\n\n', 'after\n']],
    [
      'a list with code in it',
      '1. a\n\n   ```\n   x\n\n   y\n   ```\n\n2. b\n',
      ['1. a\n\n   ```\n   x\n\n   y\n   ```\n\n2. b\n'],
    ],
    [
      'a fence with blank lines',
      'a\n```js\n\n# no heading\n\n```\nb\n',
      ['a\n', '```js\n\n# no heading\n\n```\n', 'b\n'],
    ],
    ['a fence that never closes', '```\na\n\nb\n', ['```\na\n\nb\n']],
    ['a fence within a longer one', '````\n```\n\n````\nb', ['````\n```\n\n````\n', 'b']],
    ['a fence right after a list', '- a\n```\nx\n\ny\n```\n', ['- a\n', '```\nx\n\ny\n```\n']],
    [
      'an unclosed fence of an item',
      '- a\n  ```\n  x\n\nafter\n\nend\n',
      ['- a\n  ```\n  x\n\n', 'after\n\n', 'end\n'],
    ],
    ['a table', '| a |\n|---|\n| 1 |\n| 2 |\n\nb\n', ['| a |\n|---|\n| 1 |\n| 2 |\n\n', 'b\n']],
    ['a quote', '> a\n> b\n\nc\n', ['> a\n> b\n\n', 'c\n']],
    ['indented code', 'a\n\n    x\n\n    y\n\nb\n', ['a\n\n    x\n\n    y\n\n', 'b\n']],
  ])('keep %s whole', (_, text, blocks) => {
    expect(splitBlocks(text, 0)).toEqual(blocks);
  });
});

describe('code', () => {
  it('is read from a fence, closed or growing', () => {
    expect(codeOf('```ts\na\n\nb\n```\n')).toEqual({ language: 'ts', content: 'a\n\nb' });
    expect(codeOf('\n~~~\na\nb')).toEqual({ language: '', content: 'a\nb' });
    expect(codeOf('words\n')).toBeNull();
    expect(codeOf('    ```\n')).toBeNull();
  });
});

describe('what is shown as it was written', () => {
  it.each([
    ['a huge block', 'word '.repeat(2_000)],
    ['a huge table', '|a|b|\n|-|-|\n' + '|1|2|\n'.repeat(200)],
    ['200 KB without a space', 'x'.repeat(200_000)],
    ['a word beyond measure', `so ${'x'.repeat(2_000)} it is`],
    ['a word of spaces that do not break', 'a\u00a0'.repeat(500)],
    ['quotes in quotes', '>'.repeat(500)],
    ['lists in lists', '- '.repeat(200) + 'x'],
    ['lists in lists by indentation', Array.from({ length: 60 }, (_, n) => `${'  '.repeat(n)}- a`).join('\n')],
    ['open brackets', '['.repeat(2_000)],
    ['open emphasis', '*a_ '.repeat(500)],
  ])('%s', (_, text) => {
    expect(isShownAsWritten(text)).toBe(true);
  });

  it.each([
    ['a paragraph', 'Some **bold** words, a [link](https://example.com) and `code`. '.repeat(20)],
    ['a list', '- **Point**: what it says\n'.repeat(30)],
    ['a paragraph of a writing without spaces', '国際連合は平和を維持する。'.repeat(100)],
    ['a line across', '* * * * *\n'],
    ['a table', '|a|b|\n|-|-|\n' + '| one | **two** |\n'.repeat(30)],
  ])('but not %s', (_, text) => {
    expect(isShownAsWritten(text)).toBe(false);
  });
});

describe('short blocks', () => {
  it('stay together, but for code', () => {
    expect(splitBlocks('a\n\n'.repeat(1_000)).length).toBeLessThan(20);
    expect(splitBlocks('a\n```\nx\n```\nb\n')).toEqual(['a\n', '```\nx\n```\n', 'b\n']);
  });
});

describe('what is shown', () => {
  it('comes in steps, each of a bounded size, until all of it is there', () => {
    const text = `${'word '.repeat(100)}\n\n`.repeat(60);
    let shown = shownNext(NOTHING_SHOWN, text);
    let steps = 1;
    for (let next = shownNext(shown, text); next !== shown; next = shownNext(shown, text)) {
      const added = next.blocks.done.slice(shown.count, next.count).join('').length;
      expect(added).toBeGreaterThan(0);
      expect(added).toBeLessThanOrEqual(3_600);
      shown = next;
      steps += 1;
    }
    expect(shown.count).toBe(shown.blocks.done.length);
    expect(steps).toBeGreaterThan(5);
  });

  it('gets on even where one block is more than a step', () => {
    const text = `${'x'.repeat(50_000)}\n\nend\n\n`;
    expect(shownNext(NOTHING_SHOWN, text).count).toBe(1);
  });

  it('of a shorter text is no more than there is', () => {
    const long = shownNext(NOTHING_SHOWN, `${'a'.repeat(300)}\n\n`.repeat(3));
    expect(shownNext(long, 'b')).toMatchObject({ count: 0, blocks: { tail: 'b' } });
  });
});

describe('a block that grows', () => {
  it('is shown without a line that may become something else', () => {
    expect(certain('- a\n  -')).toBe('- a\n');
    expect(certain('words\n=')).toBe('words\n');
    expect(certain('1. a\n2.')).toBe('1. a\n');
    expect(certain('words\n- b')).toBe('words\n- b');
    expect(certain('-')).toBe('-');
  });
});

describe('pieces', () => {
  it('joined are the text, none is long, and growth changes the last one only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(30), (seed, n) => {
        const text = seed.repeat(n + 1);
        const pieces = piecesOf(text);
        expect(pieces.join('')).toBe(text);
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(1_001);
        const grown = piecesOf(`${text}more`);
        expect(grown.slice(0, Math.max(0, pieces.length - 1))).toEqual(pieces.slice(0, -1));
      }),
      { numRuns: 25 },
    );
  });

  it('end at spaces where there are any', () => {
    const pieces = piecesOf('words and more '.repeat(300));
    expect(pieces.length).toBeGreaterThan(1);
    for (const piece of pieces) expect(piece).toMatch(/ $/);
  });

  it('do not part a surrogate pair', () => {
    const pieces = piecesOf('a' + '😀'.repeat(4_000));
    expect(pieces.length).toBeGreaterThan(1);
    for (const piece of pieces) expect(piece.isWellFormed()).toBe(true);
  });
});

it('shows control characters as signs, and leaves tabs and lines', () => {
  expect(visibleControls('\u001b[31mred\u0000\u007f\t\n')).toBe('␛[31mred␀␡\t\n');
});
