import { useTranslation } from 'react-i18next';
import { useRouter } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import type { LiveDeliberation } from '@/live/live';
import { copyText } from '@/ui/copy';
import { useToast } from '@/ui/Toasts';
import { Menu } from './Menu';
import { withSeq } from './replayPosition';

/** Links to this page: to the deliberation, and to the moment that is shown. */
export function ShareMenu({ source }: { readonly source: LiveDeliberation }) {
  const { t } = useTranslation('deliberation');
  const toast = useToast();
  const routing = useRouter().hook === useHashLocation ? 'hash' : 'path';
  const copy = async (seq: number | null) => {
    const link = withSeq(location.href, seq, routing);
    try {
      await copyText(link);
      toast({ text: t('share.copied') });
    } catch {
      toast({ text: t('share.notCopied', { link }), durationMs: 60_000 });
    }
  };
  return (
    <Menu
      icon="link"
      label={t('share.button')}
      items={[
        { icon: 'link', label: t('share.link'), run: () => void copy(null) },
        {
          icon: 'clock',
          label: t('share.moment'),
          run: () => void copy(Math.max(1, source.snapshot().state.cursor)),
        },
      ]}
    />
  );
}
