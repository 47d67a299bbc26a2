/** One block of Markdown, parsed. A chunk of its own: Markdown.tsx loads it when the first text is there. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import ReactMarkdown, { type Components, type Options } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { Icon } from './Icon';
import styles from './Markdown.module.css';

export type HeadingLevel = 1 | 2 | 3 | 4 | 5;

export interface ParsedProps {
  readonly text: string;
  /** The level of the heading that the text stands under. */
  readonly under: HeadingLevel;
}

export function Parsed({ text, under }: ParsedProps) {
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} urlTransform={safeUrl} components={COMPONENTS[under]}>
      {text}
    </ReactMarkdown>
  );
}

/**
 * HTML is text like any other. So are definitions of links and footnotes: they would show nothing in their own block,
 * and what they define stands in another.
 */
const OFF = [
  'htmlFlow',
  'htmlText',
  'definition',
  'gfmFootnoteDefinition',
  'gfmFootnoteCall',
  'gfmPotentialFootnoteCall',
];

interface Extensible {
  data(): { micromarkExtensions?: unknown[] };
}

function withoutThem(this: unknown): void {
  const data = (this as Extensible).data();
  data.micromarkExtensions = [...(data.micromarkExtensions ?? []), { disable: { null: OFF } }];
}

const PLUGINS: NonNullable<Options['remarkPlugins']> = [remarkGfm, withoutThem];

/** The address, where it is absolute and of a kind that cannot run anything; else none. */
export function safeUrl(address: string): string {
  return /^(?:https?:\/\/|mailto:)[^\s]/i.test(address) ? address : '';
}

function SafeLink({ to, children }: { readonly to: string | undefined; readonly children: ReactNode }) {
  if (to === undefined || to === '') return <span>{children}</span>;
  return (
    <a href={to} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

function ScrollingTable({ children }: { readonly children: ReactNode }) {
  const { t } = useTranslation('deliberation');
  return (
    // What scrolls must be within a keyboard's reach.
    <div className={styles['table']} role="group" aria-label={t('table')} tabIndex={0}>
      <table>{children}</table>
    </div>
  );
}

/** All of one level: a text may begin with any, and the page's outline must not skip one. */
function headings(under: HeadingLevel): Components {
  const Tag = `h${(under + 1) as 2 | 3 | 4 | 5 | 6}` as const;
  const Heading = ({ children }: { readonly children?: ReactNode }) => <Tag>{children}</Tag>;
  return { h1: Heading, h2: Heading, h3: Heading, h4: Heading, h5: Heading, h6: Heading };
}

function componentsUnder(under: HeadingLevel): Components {
  return {
    ...headings(under),
    a: ({ href, children }) => <SafeLink to={href}>{children}</SafeLink>,
    // Never loaded: a request would tell a stranger that the text is being read.
    img: ({ src, alt }) => {
      const to = typeof src === 'string' ? src : undefined;
      return <SafeLink to={to}>{alt !== undefined && alt !== '' ? alt : (to ?? '')}</SafeLink>;
    },
    table: ({ children }) => <ScrollingTable>{children}</ScrollingTable>,
    // The box of a list of tasks cannot be ticked, so it is a mark.
    input: ({ checked }) => (
      <span className={styles['task']}>{checked === true ? <Icon name="approve" /> : <Icon name="abstain" />}</span>
    ),
  };
}

const COMPONENTS: Readonly<Record<HeadingLevel, Components>> = {
  1: componentsUnder(1),
  2: componentsUnder(2),
  3: componentsUnder(3),
  4: componentsUnder(4),
  5: componentsUnder(5),
};
