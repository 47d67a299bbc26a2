import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { beginning } from '@/ui/beginning';
import { Button } from '@/ui/Button';
import { visibleControls } from '@/ui/MarkdownBlocks';
import styles from './Header.module.css';

const SHORT_CHARS = 240;
const SHORT_LINES = 4;

/** The question as it was asked, text and nothing else. A heading is a line or two, so that a long one is folded. */
export function Question({ question }: { readonly question: string }) {
  const { t } = useTranslation('deliberation');
  const id = useId();
  const [isWhole, setWhole] = useState(false);
  const head = headOf(question);
  const isLong = head !== question;
  return (
    <div className={styles['question']}>
      <h1 className={styles['heading']} data-long={isLong} dir="auto">
        {visibleControls(head)}
      </h1>
      {isLong && (
        <Button
          kind="quiet"
          small
          icon={isWhole ? 'up' : 'down'}
          aria-expanded={isWhole}
          aria-controls={isWhole ? id : undefined}
          onClick={() => setWhole(!isWhole)}
        >
          {t(isWhole ? 'question.less' : 'question.more')}
        </Button>
      )}
      {isWhole && (
        <p id={id} className={styles['whole']} dir="auto" tabIndex={0}>
          {visibleControls(question)}
        </p>
      )}
    </div>
  );
}

/** As much of a question as a heading holds. */
export function headOf(question: string): string {
  const lines = question.split('\n');
  const few = lines.length > SHORT_LINES ? `${lines.slice(0, SHORT_LINES).join('\n')}…` : question;
  return beginning(few, SHORT_CHARS);
}
