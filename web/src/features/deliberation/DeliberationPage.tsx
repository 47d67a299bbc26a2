import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useLive, useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import type { Start } from '@/protocol/types';
import { beginning } from '@/ui/beginning';
import { buttonClass } from '@/ui/Button';
import { Panel } from '@/ui/Failure';
import { paths } from '@/ui/paths';
import { useAnnouncements } from './announcements';
import { useLogClock } from './clock';
import { ConnectionBanner } from './ConnectionBanner';
import styles from './DeliberationPage.module.css';
import { FollowUp } from './FollowUp';
import { Header } from './Header';
import { Judge } from './Judge';
import { Lanes } from './Lanes';
import { ReplayBar } from './ReplayBar';
import { Thread } from './Thread';
import { useTurns } from './useTurns';

interface DeliberationPageProps {
  readonly id: string;
  /** The drawer that shows what happens underneath; another feature, put in by the app. */
  readonly renderTrace: (live: LiveDeliberation, onClose: () => void) => ReactNode;
}

/** A deliberation, live while it runs, then as its log tells it, at its end or at any moment of its replay. */
export function DeliberationPage({ id, renderTrace }: DeliberationPageProps) {
  const live = useLive(id);
  const start = useSelected(live, ({ state }) => state.start ?? null);
  const isRefused = useSelected(live, ({ connection }) => connection.kind === 'refused');
  if (start !== null) return <Shown live={live} start={start} renderTrace={renderTrace} />;
  return isRefused ? <Refused live={live} /> : <Awaited live={live} />;
}

function Awaited({ live }: { readonly live: LiveDeliberation }) {
  const { t } = useTranslation(['deliberation', 'common']);
  return (
    <div className={styles['page']}>
      <h1 className="visually-hidden">{t('title')}</h1>
      <ConnectionBanner live={live} />
      <p className={styles['awaited']}>{t('connection.connecting')}</p>
    </div>
  );
}

function Refused({ live }: { readonly live: LiveDeliberation }) {
  const { t } = useTranslation('deliberation');
  return (
    <div className={styles['page']}>
      <h1 className={styles['refused']}>{t('refused.title')}</h1>
      <ConnectionBanner live={live} />
      <p className={styles['ways']}>
        <Link href={paths.ask} className={buttonClass('primary')}>
          {t('refused.ask')}
        </Link>
        <Link href={paths.history} className={buttonClass()}>
          {t('refused.history')}
        </Link>
      </p>
    </div>
  );
}

interface ShownProps extends Pick<DeliberationPageProps, 'renderTrace'> {
  readonly live: LiveDeliberation;
  readonly start: Start;
}

function Shown({ live, start, renderTrace }: ShownProps) {
  const [replay, setReplay] = useState<LiveDeliberation | null>(null);
  const source = replay ?? live;
  const clock = useLogClock(source);
  const turns = useTurns(live, start.sessionId);
  const traceButton = useRef<HTMLButtonElement>(null);
  const [isTraceOpen, setTraceOpen] = useState(false);
  useEffect(() => {
    if (!isTraceOpen) return undefined;
    const button = traceButton.current;
    return () => button?.focus();
  }, [isTraceOpen]);
  const isOver = useSelected(live, ({ state }) => state.status !== 'running' && state.status !== 'empty');
  useAnnouncements(source);
  useTitle(start.question);
  const sages = start.mode === 'chat' ? [] : start.council.agents.filter(({ role }) => role === 'sage');
  const judge = start.council.agents.find(({ role }) => role === 'judge');
  const place = turns.items?.findIndex(({ deliberationId }) => deliberationId === live.id) ?? -1;
  const turn = place < 0 ? null : { turn: place + 1, turns: turns.items?.length ?? 0 };
  return (
    <div className={styles['page']}>
      <Panel>
        <Thread turns={turns} id={live.id} council={start.council} />
      </Panel>
      <Panel>
        <Header
          {...{ live, source, start, turn, traceButton, isTraceOpen }}
          onTrace={() => setTraceOpen(!isTraceOpen)}
        />
      </Panel>
      <ConnectionBanner live={live} />
      <ReplayBar live={live} onSource={(next) => setReplay(next === live ? null : next)} />
      {sages.length > 0 && <Lanes source={source} clock={clock} sages={sages} />}
      <Judge source={source} live={live} clock={clock} sages={sages} judge={judge} isChat={start.mode === 'chat'} />
      {isOver && (
        <Panel>
          <FollowUp start={start} />
        </Panel>
      )}
      {isTraceOpen && renderTrace(source, () => setTraceOpen(false))}
    </div>
  );
}

function useTitle(question: string): void {
  const { t } = useTranslation('common');
  useEffect(() => {
    const before = document.title;
    document.title = `${beginning(question.replace(/\s+/g, ' '), 60)} · ${t('product')}`;
    return () => {
      document.title = before;
    };
  }, [question, t]);
}
