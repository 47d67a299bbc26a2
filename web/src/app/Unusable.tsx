import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { Notice } from '@/ui/Notice';
import styles from './App.module.css';

/** What stands in place of every page where the client does not know whom to talk to. */
export function Unusable({ reason }: { readonly reason: string }) {
  const { t } = useTranslation('common');
  return (
    <main className={styles['main']}>
      <Notice
        kind="danger"
        role="alert"
        title={t('failure.config')}
        actions={
          <Button small icon="retry" onClick={() => window.location.reload()}>
            {t('retry')}
          </Button>
        }
      >
        {reason}
      </Notice>
    </main>
  );
}
