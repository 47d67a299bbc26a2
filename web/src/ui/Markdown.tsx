import {
  Component,
  lazy,
  memo,
  startTransition,
  Suspense,
  useEffect,
  useRef,
  useState,
  type ErrorInfo,
  type ReactNode,
} from 'react';
import { classes } from './classes';
import styles from './Markdown.module.css';
import {
  codeOf,
  grownBlocks,
  isShownAsWritten,
  NO_BLOCKS,
  piecesOf,
  visibleControls,
  type Blocks,
} from './MarkdownBlocks';
import type { HeadingLevel, ParsedProps } from './MarkdownParsed';

/** The parser is no part of the first load. Where it does not come, the text stays as it was written. */
const Parsed = lazy(async () => {
  try {
    return { default: (await import('./MarkdownParsed')).Parsed };
  } catch {
    return { default: ({ text }: ParsedProps) => <AsWritten text={text} /> };
  }
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
  return <BlockList blocks={useBlocks(text, isStreaming)} under={under} />;
}

/** A text this short is cut and parsed with the first paint; a longer one in the background, block by block. */
const AT_ONCE_CHARS = 2_000;
const STEP_MS = 100;

function useBlocks(text: string, isStreaming: boolean): Blocks {
  const [blocks, setBlocks] = useState(() => (text.length <= AT_ONCE_CHARS ? grownBlocks(NO_BLOCKS, text) : NO_BLOCKS));
  const latest = useRef(text);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const tailChars = blocks.tail.length;
  useEffect(() => {
    latest.current = text;
    const show = () => {
      clearTimeout(timer.current);
      timer.current = undefined;
      const next = latest.current;
      startTransition(() => setBlocks((before) => grownBlocks(before, next)));
    };
    if (!isStreaming) show();
    else timer.current ??= setTimeout(show, stepMs(tailChars));
  }, [text, isStreaming, tailChars]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return blocks;
}

/** A long block costs more each time, so it is parsed more rarely. */
function stepMs(tailChars: number): number {
  return STEP_MS + Math.min(tailChars, 6_000) / 10;
}

/** With so many blocks the browser is told to skip those out of view. */
const SKIPPED_FROM = 40;

const BlockList = memo(function BlockList({
  blocks,
  under,
}: {
  readonly blocks: Blocks;
  readonly under: HeadingLevel;
}) {
  const { done, tail } = blocks;
  const isLong = done.length > SKIPPED_FROM;
  return (
    <div className={classes(styles['markdown'], isLong && styles['long'])}>
      {done.map((block, place) => (
        <Block key={place} text={block} under={under} isLast={tail === '' && place === done.length - 1} />
      ))}
      {tail !== '' && <Block key={done.length} text={tail} under={under} isLast />}
    </div>
  );
});

interface BlockProps extends ParsedProps {
  readonly isLast: boolean;
}

/** The last block is never skipped by the browser, because it is what a reader follows. */
const Block = memo(function Block({ text, under, isLast }: BlockProps) {
  return (
    <div className={classes(styles['block'], !isLast && styles['settled'])} dir="auto">
      <BlockContent text={visibleControls(text)} under={under} />
    </div>
  );
});

function BlockContent({ text, under }: ParsedProps) {
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
  return piecesOf(text).map((piece, place) => <Piece key={place} text={piece} />);
}

const Piece = memo(function Piece({ text }: { readonly text: string }) {
  // The block ends the line itself.
  return <span className={styles['piece']}>{text.endsWith('\n') ? text.slice(0, -1) || '\u200b' : text}</span>;
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
