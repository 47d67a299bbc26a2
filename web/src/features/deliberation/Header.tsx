import { useEffect, useRef, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import type { Complete, Start } from '@/protocol/types';
import { useAnnounce } from '@/ui/Announcer';
import { Button } from '@/ui/Button';
import { classes } from '@/ui/classes';
import { DecisionMark, OutcomeMark } from '@/ui/Decision';
import { useFormats } from '@/ui/format';
import { Icon } from '@/ui/Icon';
import { Mark } from '@/ui/Mark';
import { Notice } from '@/ui/Notice';
import { CONCLUSION_ID } from './Conclusion';
import { useContact } from './contact';
import { ExportMenu } from './ExportMenu';
import styles from './Header.module.css';
import { Question } from './Question';
import { judgeOf } from './judgeOf';
import { ShareMenu } from './ShareMenu';
import { StopButton } from './StopButton';

interface HeaderProps {
  readonly live: LiveDeliberation;
  /** What the page shows: the deliberation itself, or a moment of its replay. */
  readonly source: LiveDeliberation;
  readonly start: Start;
  /** Its turn and how many there are; null while that is not known. */
  readonly turn: { readonly turn: number; readonly turns: number } | null;
  readonly traceButton: RefObject<HTMLButtonElement | null>;
  readonly isTraceOpen: boolean;
  readonly onTrace: () => void;
}

/** What was asked, how that stands, and what can be done with it. */
export function Header({ live, source, start, turn, traceButton, isTraceOpen, onTrace }: HeaderProps) {
  const { t } = useTranslation('deliberation');
  const state = useRef<HTMLDivElement>(null);
  const canStop = useSelected(
    live,
    (snapshot) => snapshot.state.status === 'running' && snapshot.connection.kind !== 'refused',
  );
  return (
    <header className={styles['header']}>
      <Origin start={start} turn={turn} />
      <Question question={start.question} />
      <div className={styles['row']}>
        <div ref={state} className={styles['state']} tabIndex={-1} data-testid="state">
          <Standing live={live} isChat={start.mode === 'chat'} />
        </div>
        <div className={styles['actions']}>
          {canStop && <StopButton live={live} after={state} />}
          <Button ref={traceButton} small icon="trace" aria-expanded={isTraceOpen} onClick={onTrace}>
            {t('header.trace')}
          </Button>
          <ShareMenu source={source} />
          <ExportMenu live={live} />
        </div>
      </div>
      <StopFailure live={live} />
    </header>
  );
}

function Origin({ start, turn }: Pick<HeaderProps, 'start' | 'turn'>) {
  const { t } = useTranslation('deliberation');
  const formats = useFormats();
  const judge = judgeOf(start.council.agents) ?? '';
  return (
    <p className={styles['origin']}>
      <span>
        {start.mode === 'chat' ? t('header.chat', { judge }) : t('header.council', { council: start.council.id })}
      </span>
      {turn !== null && turn.turns > 1 && <span>{t('header.turn', turn)}</span>}
      <time dateTime={start.timestamp}>{formats.moment(start.timestamp)}</time>
    </p>
  );
}

/** How the deliberation itself stands, whatever moment of it is shown below. */
function Standing({ live, isChat }: { readonly live: LiveDeliberation; readonly isChat: boolean }) {
  const { t } = useTranslation('deliberation');
  const status = useSelected(live, (snapshot) => snapshot.state.status);
  const complete = useSelected(live, (snapshot) => snapshot.state.complete ?? null);
  const contact = useContact(live);
  if (status === 'cancelled' || status === 'error') {
    const [tone, icon] = status === 'error' ? (['danger', 'warning'] as const) : (['neutral', 'stop'] as const);
    return (
      <Mark tone={tone} icon={icon}>
        {t(`header.state.${status}`)}
      </Mark>
    );
  }
  if (complete !== null) return <Ended complete={complete} isChat={isChat} />;
  if (contact !== 'kept') {
    return (
      <span className={styles['running']}>
        <Icon name="warning" />
        {t(`header.state.${contact}`)}
      </span>
    );
  }
  const words = status === 'empty' ? 'empty' : isChat ? 'answering' : 'running';
  return (
    <span className={styles['running']}>
      <span className={classes(styles['pulse'])} aria-hidden="true" />
      {t(`header.state.${words}`)}
    </span>
  );
}

function Ended({ complete, isChat }: { readonly complete: Complete; readonly isChat: boolean }) {
  const { t } = useTranslation('deliberation');
  return (
    <>
      {complete.decision != null && <DecisionMark decision={complete.decision} />}
      {complete.outcome !== 'decided' && <OutcomeMark outcome={complete.outcome} />}
      {!isChat && (
        <Button kind="quiet" small icon="down" onClick={goToConclusion}>
          {t('header.toVerdict')}
        </Button>
      )}
    </>
  );
}

function goToConclusion(): void {
  const place = document.getElementById(CONCLUSION_ID);
  place?.scrollIntoView({ block: 'start' });
  place?.focus({ preventScroll: true });
}

function StopFailure({ live }: { readonly live: LiveDeliberation }) {
  const { t } = useTranslation('deliberation');
  const announce = useAnnounce();
  const hasFailed = useSelected(live, ({ stopping, state }) => stopping === 'failed' && state.status === 'running');
  useEffect(() => {
    if (hasFailed) announce(t('announce.stopFailed'));
  }, [hasFailed, announce, t]);
  return hasFailed ? <Notice kind="danger" title={t('stop.failed')} /> : null;
}
