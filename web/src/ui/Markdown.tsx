import { Component, memo, Suspense, useEffect, useRef, useState, type ErrorInfo, type ReactNode } from 'react';
import { classes } from './classes';
import styles from './Markdown.module.css';
import {
  certain,
  codeOf,
  isShownAsWritten,
  isUnbroken,
  NOTHING_SHOWN,
  piecesOf,
  shownNext,
  visibleControls,
  type Shown,
} from './MarkdownBlocks';
import type { HeadingLevel, ParsedProps } from './MarkdownParsed';
import { renewable } from './renewable';

/** The parser is no part of the first load. Where it does not come, the text stays as it was written. */
const parser = renewable<ParsedProps>(async () => (await import('./MarkdownParsed')).Parsed, {
  instead: ({ text }) => <AsWritten text={text} />,
  // Every block of a page that streams would ask for it.
  restMs: 5_000,
});

interface MarkdownProps {
  /** Untrusted: it may be anything a model says. */
  readonly text: string;
  /** The level of the heading that it stands under; its own headings come below that. */
  readonly under: HeadingLevel;
  /** More is to come: it is shown in steps, not letter by letter. */
  readonly isStreaming?: boolean;
}

/** Safe Markdown: no HTML, no images, links that leave a mark of nothing. */
export function Markdown({ text, under, isStreaming = false }: MarkdownProps) {
  return <BlockList shown={useBlocks(text, isStreaming)} under={under} isStreaming={isStreaming} />;
}

const STEP_MS = 100;
/** What a step left over, or the last words, follow in the next frame that has time to spare, or after so long. */
const CATCH_UP_MS = 16;
const CATCH_UP_LATEST_MS = 150;

/** Calls `show` when the page has nothing better to do, such as drawing a verdict; gives what calls it off. */
function whenIdle(show: () => void): () => void {
  // Safari does not have it.
  if (typeof window.requestIdleCallback !== 'function') return after(CATCH_UP_MS, show);
  const asked = window.requestIdleCallback(show, { timeout: CATCH_UP_LATEST_MS });
  return () => window.cancelIdleCallback(asked);
}

function after(ms: number, show: () => void): () => void {
  const timer = setTimeout(show, ms);
  return () => clearTimeout(timer);
}

/**
 * The blocks of a text, and how many of the finished ones are shown.
 *
 * A long text comes in steps, so that no frame has to parse more than its share. React's transitions would do the same
 * for a text that stands, but starve while others stream: every frame of theirs begins such a rendering anew.
 */
function useBlocks(text: string, isStreaming: boolean): Shown {
  const [shown, setShown] = useState(() => shownNext(NOTHING_SHOWN, text));
  const latest = useRef(text);
  const callOff = useRef<(() => void) | undefined>(undefined);
  const urgent = useRef(false);
  const isBehind = shown.count < shown.blocks.done.length;
  const tailChars = shown.blocks.tail.length;
  useEffect(() => {
    latest.current = text;
    const show = () => {
      callOff.current = undefined;
      const next = latest.current;
      setShown((before) => shownNext(before, next));
    };
    const isUrgent = !isStreaming || isBehind;
    // An urgent step is not put off by what comes meanwhile, but takes the place of one that can wait.
    if (isUrgent && !urgent.current) {
      callOff.current?.();
      callOff.current = undefined;
    }
    urgent.current = isUrgent;
    callOff.current ??= isUrgent ? whenIdle(show) : after(stepMs(tailChars), show);
  }, [text, isStreaming, isBehind, shown, tailChars]);
  useEffect(
    () => () => {
      callOff.current?.();
      callOff.current = undefined;
    },
    [],
  );
  return shown;
}

/** A long block costs more each time, so it is parsed more rarely. */
function stepMs(tailChars: number): number {
  return STEP_MS + Math.min(tailChars, 6_000) / 10;
}

interface BlockListProps {
  readonly shown: Shown;
  readonly under: HeadingLevel;
  readonly isStreaming: boolean;
}

/** The browser skips what is out of view by so many blocks; told of each of them, it would watch each of them. */
const SECTION_BLOCKS = 16;

const BlockList = memo(function BlockList({ shown, under, isStreaming }: BlockListProps) {
  const { blocks, count } = shown;
  const all = blocks.done.slice(0, count);
  if (count === blocks.done.length && blocks.tail !== '') all.push(isStreaming ? certain(blocks.tail) : blocks.tail);
  const sections = Array.from({ length: Math.ceil(all.length / SECTION_BLOCKS) }, (_, place) =>
    all.slice(place * SECTION_BLOCKS, (place + 1) * SECTION_BLOCKS),
  );
  return (
    <div className={styles['markdown']}>
      {sections.map((texts, place) => (
        <Section key={place} texts={texts} under={under} isLast={place === sections.length - 1} />
      ))}
    </div>
  );
});

interface SectionProps {
  readonly texts: readonly string[];
  readonly under: HeadingLevel;
  readonly isLast: boolean;
}

/** The last one is never skipped, because it is what a reader follows. */
const Section = memo(
  function Section({ texts, under, isLast }: SectionProps) {
    return (
      <div className={classes(styles['section'], !isLast && styles['settled'])}>
        {texts.map((text, place) => (
          <Block key={place} text={text} under={under} />
        ))}
      </div>
    );
  },
  (a, b) =>
    a.isLast === b.isLast &&
    a.under === b.under &&
    a.texts.length === b.texts.length &&
    a.texts.every((text, place) => text === b.texts[place]),
);

const Block = memo(function Block({ text, under }: ParsedProps) {
  return (
    <div className={styles['block']} dir="auto">
      <BlockContent text={visibleControls(text)} under={under} />
    </div>
  );
});

function BlockContent({ text, under }: ParsedProps) {
  const [Parsed] = useState(parser);
  const code = codeOf(text);
  if (code !== null) return <CodeBlock {...code} />;
  const asWritten = <AsWritten text={text} />;
  if (isShownAsWritten(text)) return asWritten;
  return (
    <Unparsed text={text} fallback={asWritten}>
      <Suspense fallback={asWritten}>
        <Parsed text={text} under={under} />
      </Suspense>
    </Unparsed>
  );
}

function CodeBlock({ language, content }: { readonly language: string; readonly content: string }) {
  return (
    <pre className={styles['code']} dir="ltr" data-language={language === '' ? undefined : language.slice(0, 24)}>
      <code>
        <Pieces text={content} />
      </code>
    </pre>
  );
}

function AsWritten({ text }: { readonly text: string }) {
  return (
    <div className={styles['written']}>
      <Pieces text={text.trimEnd()} />
    </div>
  );
}

function Pieces({ text }: { readonly text: string }) {
  const pieces = piecesOf(text);
  return pieces.map((piece, place) => <Piece key={place} text={piece} isLast={place === pieces.length - 1} />);
}

interface PieceProps {
  readonly text: string;
  readonly isLast: boolean;
}

/** The last one is never skipped: what is guessed of its height may be far from it. */
const Piece = memo(function Piece({ text, isLast }: PieceProps) {
  return (
    <span className={classes(styles['piece'], !isLast && styles['skippable'], isUnbroken(text) && styles['unbroken'])}>
      {/* The block ends the line itself. */}
      {text.endsWith('\n') ? text.slice(0, -1) || '\u200b' : text}
    </span>
  );
});

interface UnparsedProps {
  readonly text: string;
  readonly children: ReactNode;
  readonly fallback: ReactNode;
}

/** What the parser or its output fails at is shown as it was written. */
class Unparsed extends Component<UnparsedProps, { readonly hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override componentDidCatch(error: Error, info: ErrorInfo) {
    console.error('A block of Markdown could not be parsed', error, info.componentStack);
  }

  override componentDidUpdate(before: UnparsedProps) {
    if (before.text !== this.props.text && this.state.hasFailed) this.setState({ hasFailed: false });
  }

  override render() {
    return this.state.hasFailed ? this.props.fallback : this.props.children;
  }
}
