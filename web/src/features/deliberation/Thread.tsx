import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { HistoryItem, Start } from '@/protocol/types';
import { beginning } from '@/ui/beginning';
import { Button } from '@/ui/Button';
import { DecisionMark, OutcomeMark } from '@/ui/Decision';
import { useFailureWords } from '@/ui/Failure';
import { Mark } from '@/ui/Mark';
import { Notice } from '@/ui/Notice';
import { paths } from '@/ui/paths';
import { judgeOf } from './judgeOf';
import styles from './Thread.module.css';
import type { Turns } from './useTurns';

interface ThreadProps {
  readonly turns: Turns;
  /** The deliberation that the page shows. */
  readonly id: string;
  readonly council: Start['council'];
}

/** The turns of the conversation, each a way to its page; nothing where this is the only one. */
export function Thread({ turns, id, council }: ThreadProps) {
  const { t } = useTranslation(['deliberation', 'common']);
  const words = useFailureWords();
  if (turns.error !== null) {
    return (
      <Notice
        kind="warning"
        title={t('thread.failed')}
        actions={
          <Button small icon="retry" onClick={turns.retry}>
            {t('common:retry')}
          </Button>
        }
      >
        {words(turns.error)}
      </Notice>
    );
  }
  if (turns.items === null || turns.items.length < 2) return null;
  return (
    <nav className={styles['thread']} aria-label={t('thread.title')}>
      <ol className={styles['turns']}>
        {turns.items.map((item, place) => (
          <Turn key={item.deliberationId} {...{ item, council }} n={place + 1} isCurrent={item.deliberationId === id} />
        ))}
      </ol>
      {turns.hasMore && <p className={styles['more']}>{t('thread.more')}</p>}
    </nav>
  );
}

interface TurnProps {
  readonly item: HistoryItem;
  readonly council: Start['council'];
  readonly n: number;
  readonly isCurrent: boolean;
}

function Turn({ item, council, n, isCurrent }: TurnProps) {
  const { t } = useTranslation('deliberation');
  // Of another council the list does not tell who judges there.
  const judge = item.council === council.id ? judgeOf(council.agents) : null;
  const turn = useRef<HTMLLIElement>(null);
  useEffect(() => {
    const [shown, list] = [turn.current, turn.current?.parentElement];
    if (isCurrent && shown !== null && list != null) list.scrollLeft = shown.offsetLeft - list.offsetLeft;
  }, [isCurrent]);
  return (
    <li ref={turn}>
      <Link
        href={paths.deliberation(item.deliberationId)}
        className={styles['turn']}
        aria-current={isCurrent ? 'page' : undefined}
      >
        <span className={styles['number']}>
          {t('thread.turn', { n })}
          {item.mode === 'chat' && ` · ${judge === null ? t('thread.judge') : t('thread.chat', { judge })}`}
        </span>
        <span className={styles['asked']}>
          <bdi>{beginning(item.question.replace(/\s+/g, ' '), 120)}</bdi>
        </span>
        <TurnResult item={item} />
      </Link>
    </li>
  );
}

function TurnResult({ item: { status, outcome, decision } }: { readonly item: HistoryItem }) {
  const { t } = useTranslation('deliberation');
  if (status === 'running' || status === 'empty') return <Mark tone="neutral" icon="clock">{t('thread.running')}</Mark>; // prettier-ignore
  if (status === 'cancelled') return <Mark tone="neutral" icon="stop">{t('header.state.cancelled')}</Mark>; // prettier-ignore
  if (status === 'error') return <Mark tone="danger" icon="warning">{t('header.state.error')}</Mark>; // prettier-ignore
  if (decision != null) return <DecisionMark decision={decision} />;
  return outcome === null ? null : <OutcomeMark outcome={outcome} />;
}
