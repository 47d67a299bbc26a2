// @vitest-environment jsdom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startLanguage } from '@/i18n/language';
import { Markdown } from './Markdown';
import { safeUrl } from './MarkdownParsed';

let box: HTMLElement;
let root: Root;

beforeAll(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  await startLanguage('en');
});
beforeEach(() => {
  vi.useFakeTimers();
  box = document.createElement('div');
  document.body.append(box);
  root = createRoot(box);
});
afterEach(() => {
  act(() => root.unmount());
  box.remove();
  vi.useRealTimers();
});

async function show(text: string, isStreaming = false) {
  await act(async () => {
    root.render(<Markdown text={text} under={3} isStreaming={isStreaming} />);
    await vi.dynamicImportSettled();
  });
  await act(() => vi.advanceTimersByTimeAsync(1_000));
}

describe('Markdown', () => {
  it('runs and loads nothing that the text brings', async () => {
    await show(
      [
        '<script>window.x = 1</script> <img src=x onerror="window.x = 1">',
        '<div onclick="x">\nblock\n</div>',
        '[run](javascript:alert) [data](data:text/html,x) [file](file:///etc) [odd](//evil.example) [rel](/d/x)',
        '![a picture](https://example.com/a.png)',
        '[good](https://example.com) <https://example.org> <mailto:a@b.example>',
      ].join('\n\n'),
    );
    expect(box.querySelectorAll('script, img, iframe, [onclick], [onerror]')).toHaveLength(0);
    expect(box.textContent).toContain('<script>window.x = 1</script>');
    const links = [...box.querySelectorAll('a')];
    expect(links.map((link) => link.getAttribute('href'))).toEqual([
      'https://example.com/a.png',
      'https://example.com',
      'https://example.org',
      'mailto:a@b.example',
    ]);
    for (const link of links) {
      expect(link.rel).toBe('noopener noreferrer nofollow');
      expect(link.target).toBe('_blank');
    }
    expect(links[0]?.textContent).toBe('a picture');
  });

  it('puts the headings of a text below the one it stands under', async () => {
    await show('# One\n\n### Three');
    expect([...box.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(({ tagName }) => tagName)).toEqual(['H4', 'H4']);
  });

  it('loses no definition of a link or a footnote', async () => {
    await show('See [^1] and [a][b].\n\n[^1]: the source\n\n[b]: https://example.com "title"');
    expect(box.textContent).toContain('the source');
    expect(box.textContent).toContain('https://example.com');
  });

  it('lets a keyboard scroll a table', async () => {
    await show('|a|b|\n|-|-|\n|1|2|\n');
    const region = box.querySelector('[role=group]');
    expect(region?.getAttribute('tabindex')).toBe('0');
    expect(region?.getAttribute('aria-label')).not.toBe('');
    expect(region?.querySelectorAll('td')).toHaveLength(2);
  });

  it.each([
    ['quotes in quotes', `${'> '.repeat(3_000)}deep`],
    ['lists in lists', `${'- '.repeat(3_000)}deep`],
    ['200 KB without a space', 'W'.repeat(200_000)],
    ['a huge table', `|a|\n|-|\n${'|x|\n'.repeat(20_000)}`],
    ['emphasis that never closes', '*a_ '.repeat(20_000)],
  ])('shows %s as it was written', async (_, text) => {
    await show(text);
    expect(box.querySelectorAll('blockquote, li, td, em')).toHaveLength(0);
    expect(box.textContent.replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
  });

  it('keeps the elements of finished blocks while the text grows', async () => {
    const done = `${'word '.repeat(60)}\n\n`;
    await show(`${done}begin`, true);
    const first = box.querySelector('p');
    await show(`${done}beginning of *more*`, true);
    expect(box.querySelector('p')).toBe(first);
    expect(box.querySelector('em')?.textContent).toBe('more');
  });

  it('shows text that streams in steps, all of it in the end', async () => {
    await show('one', true);
    act(() => root.render(<Markdown text="one two" under={3} isStreaming />));
    expect(box.textContent).toBe('one');
    await act(() => vi.advanceTimersByTimeAsync(150));
    expect(box.textContent).toBe('one two');
    await show('one two three', false);
    expect(box.textContent).toBe('one two three');
  });

  it('shows the rest of a long text when the page is idle', async () => {
    const idle: IdleRequestCallback[] = [];
    vi.stubGlobal('requestIdleCallback', (call: IdleRequestCallback) => idle.push(call));
    vi.stubGlobal('cancelIdleCallback', () => undefined);
    try {
      const text = `${'word '.repeat(100)}\n\n`.repeat(20);
      await show(text);
      const begun = box.textContent.length;
      expect(begun).toBeLessThan(text.length / 2);
      for (let call = idle.shift(); call !== undefined; call = idle.shift()) {
        const due = call;
        act(() => due({ didTimeout: false, timeRemaining: () => 10 }));
      }
      expect(box.textContent.split('word').length).toBe(20 * 100 + 1);
    } finally {
      Reflect.deleteProperty(window, 'requestIdleCallback');
      Reflect.deleteProperty(window, 'cancelIdleCallback');
    }
  });

  it('skips pieces out of view, but never the last one', async () => {
    await show('W'.repeat(3_500));
    const pieces = [...box.querySelectorAll('span')];
    expect(pieces.map(({ className }) => className.includes('skippable'))).toEqual([true, true, true, false]);
    expect(pieces.every(({ className }) => className.includes('unbroken'))).toBe(true);
  });

  it('goes on while news come faster than its steps', async () => {
    const text = `${'word '.repeat(100)}\n\n`.repeat(40);
    for (let at = 0; at <= 60; at += 1) {
      const so = text + 'x'.repeat(at);
      act(() => root.render(<Markdown text={so} under={3} isStreaming />));
      await act(() => vi.advanceTimersByTimeAsync(5));
    }
    expect(box.textContent.length).toBeGreaterThan(text.length / 2);
  });
});

it.each([
  ['https://example.com/a', true],
  ['HTTP://example.com', true],
  ['mailto:a@b.example', true],
  ['javascript:alert(1)', false],
  ['JaVaScRiPt:alert(1)', false],
  [' javascript:alert(1)', false],
  ['java\nscript:alert(1)', false],
  ['data:text/html,x', false],
  ['vbscript:x', false],
  ['//example.com', false],
  ['/d/x', false],
  ['', false],
])('takes %j for a safe address: %s', (address, isSafe) => {
  expect(safeUrl(address)).toBe(isSafe ? address : '');
});
