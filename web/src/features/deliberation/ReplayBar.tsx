import { useLayoutEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import { Button } from '@/ui/Button';
import { Panel } from '@/ui/Failure';
import { Notice } from '@/ui/Notice';
import styles from './ReplayBar.module.css';
import { ReplayPlayer } from './ReplayPlayer';
import { useReplayPosition, type ReplayPosition } from './replayPosition';

interface ReplayBarProps {
  readonly live: LiveDeliberation;
  /** Called with what the page is to show: the deliberation itself, or its replay at the moment chosen. */
  readonly onSource: (source: LiveDeliberation) => void;
}

/**
 * Plays a finished deliberation again, and shows the moment that the page's address asks for, of a running one too.
 *
 * Renders nothing while there is nothing to replay.
 */
export function ReplayBar({ live, onSource }: ReplayBarProps) {
  const address = useReplayPosition();
  useForgottenWith(address);
  const isOver = useSelected(live, ({ state }) => state.status !== 'empty' && state.status !== 'running');
  const isReached = useSelected(live, ({ events }) => address.seq !== null && events.length >= address.seq);
  return (
    <Panel resetKey={live.id}>
      {isOver || isReached ? (
        <ReplayPlayer key={live.id} live={live} isOver={isOver} address={address} onSource={onSource} />
      ) : (
        address.seq !== null && <Awaited live={live} seq={address.seq} address={address} />
      )}
    </Panel>
  );
}

/** Under hash routing wouter keeps the query on the way to another page, which has no such moment. */
function useForgottenWith({ routing, write }: ReplayPosition): void {
  useLayoutEffect(() => {
    if (routing === 'path') return undefined;
    const page = location.hash;
    return () => {
      if (location.hash !== page) write(null);
    };
  }, [routing, write]);
}

interface AwaitedProps {
  readonly live: LiveDeliberation;
  readonly seq: number;
  readonly address: ReplayPosition;
}

/** The address asks for an event that the log does not have yet. */
function Awaited({ live, seq, address }: AwaitedProps) {
  const { t } = useTranslation('trace');
  const hasBegun = useSelected(live, ({ events }) => events.length > 0);
  const isRefused = useSelected(live, ({ connection }) => connection.kind === 'refused');
  if (!hasBegun || isRefused) return null;
  return (
    <div className={styles['notice']}>
      <Notice
        kind="info"
        role="status"
        title={t('replay.awaited', { n: seq })}
        actions={
          <Button small onClick={() => address.write(null)}>
            {t('replay.dontWait')}
          </Button>
        }
      />
    </div>
  );
}
