import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { FailureNotice } from '@/ui/Failure';
import styles from './ExportDialog.module.css';
import { FORMATS, useExport, type Format } from './exporting';
import { isRunning, nameOf, type Item } from './items';

interface ExportDialogProps {
  readonly item: Item;
  readonly onClose: () => void;
}

/** Gives a deliberation as a file. */
export function ExportDialog({ item, onClose }: ExportDialogProps) {
  const { t } = useTranslation('history');
  const save = useExport();
  const closing = useRef<AbortController | null>(null);
  useEffect(() => () => closing.current?.abort(), []);
  const { mutate, isPending, error, variables } = useMutation({
    mutationFn: (format: Format) => {
      closing.current = new AbortController();
      return save(item.deliberationId, format, closing.current.signal);
    },
    onSuccess: onClose,
  });
  return (
    <Dialog title={t('export.title')} onClose={onClose}>
      <p className={styles['name']}>{nameOf(item)}</p>
      {isRunning(item) && <p className={styles['hint']}>{t('export.running')}</p>}
      <ul className={styles['formats']}>
        {FORMATS.map((format) => (
          <li key={format} className={styles['format']}>
            <Button
              icon="download"
              aria-disabled={isPending}
              aria-describedby={`export-${format}`}
              onClick={() => {
                if (!isPending) mutate(format);
              }}
            >
              {t(`export.${format}`)}
            </Button>
            <p id={`export-${format}`} className={styles['hint']}>
              {t(`export.${format}Hint`)}
            </p>
          </li>
        ))}
      </ul>
      {error !== null && <FailureNotice error={error} onRetry={() => mutate(variables)} />}
    </Dialog>
  );
}
