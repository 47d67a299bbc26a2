import { useTranslation } from 'react-i18next';
import type { LiveDeliberation } from '@/live/live';
import { deliberationJson, deliberationMarkdown, download, exportName } from '@/ui/export';
import { useFormats } from '@/ui/format';
import { Menu } from './Menu';

/** Keeps the deliberation, as far as it has come, as a file. */
export function ExportMenu({ live }: { readonly live: LiveDeliberation }) {
  const { t } = useTranslation(['deliberation', 'common']);
  const formats = useFormats();
  const asMarkdown = () => {
    const text = deliberationMarkdown(live.snapshot().state, t, formats);
    download(exportName(live.id, 'md'), 'text/markdown', text);
  };
  const asJson = () => {
    download(exportName(live.id, 'json'), 'application/json', deliberationJson(live.snapshot().events));
  };
  return (
    <Menu
      icon="download"
      label={t('export.button')}
      items={[
        { icon: 'download', label: t('export.markdown'), run: asMarkdown },
        { icon: 'download', label: t('export.json'), run: asJson },
      ]}
    />
  );
}
