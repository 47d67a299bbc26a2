import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import { useAnnounce } from '@/ui/Announcer';
import { Button } from '@/ui/Button';
import { FailureNotice } from '@/ui/Failure';
import { localeOf } from '@/ui/format';
import { Notice } from '@/ui/Notice';
import { useContact, type Contact } from './contact';

/** What is to be known of the way to the server; nothing while it is as it should be. */
export function ConnectionBanner({ live }: { readonly live: LiveDeliberation }) {
  const { t } = useTranslation('deliberation');
  const connection = useSelected(live, (snapshot) => snapshot.connection);
  const contact = useContact(live);
  const isPolling = connection.kind === 'open' && connection.carrier === 'poll';
  const announce = useAnnounce();
  const isBack = connection.kind === 'open' || connection.kind === 'ended';
  const told = useRef<Contact>('kept');
  useEffect(() => {
    // A refusal is told by its notice, and is no way back.
    if (contact === told.current || (contact === 'kept' && !isBack)) return;
    const before = told.current;
    told.current = contact;
    if (contact === 'kept') announce(t('announce.back'));
    else if (contact === 'lost' && before === 'kept') announce(t('announce.lost'));
  }, [contact, isBack, announce, t]);
  useEffect(() => {
    if (isPolling) announce(t('announce.poll'));
  }, [isPolling, announce, t]);

  if (connection.kind === 'refused') return <FailureNotice error={connection.error} onRetry={() => live.reconnect()} />;
  if (connection.kind === 'lost' && contact === 'lost') {
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
  const time = new Date(sinceMs).toLocaleTimeString(localeOf(i18n.language));
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
