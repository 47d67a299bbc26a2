import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import { useAnnounce } from '@/ui/Announcer';
import { Button } from '@/ui/Button';
import { FailureNotice } from '@/ui/Failure';
import { Notice } from '@/ui/Notice';

/** A way that comes back sooner is nobody's concern. */
const PATIENCE_MS = 3_000;

/** What is to be known of the way to the server; nothing while it is as it should be. */
export function ConnectionBanner({ live }: { readonly live: LiveDeliberation }) {
  const { t } = useTranslation('deliberation');
  const connection = useSelected(live, (snapshot) => snapshot.connection);
  const sinceMs = connection.kind === 'lost' ? connection.sinceMs : null;
  const isLost = useIsLate(sinceMs);
  const isPolling = connection.kind === 'open' && connection.carrier === 'poll';
  const announce = useAnnounce();
  const told = useRef(false);
  useEffect(() => {
    if (isLost === told.current) return;
    told.current = isLost;
    announce(t(isLost ? 'announce.lost' : 'announce.back'));
  }, [isLost, announce, t]);
  useEffect(() => {
    if (isPolling) announce(t('announce.poll'));
  }, [isPolling, announce, t]);

  if (connection.kind === 'refused') return <FailureNotice error={connection.error} onRetry={() => live.reconnect()} />;
  if (connection.kind === 'lost' && isLost) {
    return <LostNotice sinceMs={connection.sinceMs} tries={connection.tries} onRetry={() => live.reconnect()} />;
  }
  if (isPolling) {
    return (
      <Notice
        kind="info"
        title={t(connection.reason === 'no_stream' ? 'connection.noStream' : 'connection.buffered')}
      />
    );
  }
  return null;
}

interface LostNoticeProps {
  readonly sinceMs: number;
  readonly tries: number;
  readonly onRetry: () => void;
}

function LostNotice({ sinceMs, tries, onRetry }: LostNoticeProps) {
  const { t, i18n } = useTranslation('deliberation');
  const time = new Date(sinceMs).toLocaleTimeString(i18n.language);
  return (
    <Notice
      kind="warning"
      title={t('connection.lost', { time, n: tries })}
      actions={
        <Button small icon="retry" onClick={onRetry}>
          {t('connection.now')}
        </Button>
      }
    />
  );
}

/** Whether it is longer ago than patience lasts; false for null. */
function useIsLate(sinceMs: number | null): boolean {
  const [late, setLate] = useState<number | null>(null);
  useEffect(() => {
    if (sinceMs === null) return undefined;
    const timer = setTimeout(() => setLate(sinceMs), Math.max(0, sinceMs + PATIENCE_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [sinceMs]);
  return sinceMs !== null && late === sinceMs;
}
