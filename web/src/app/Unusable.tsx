import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { SignInFailed } from '@/transport/signin';
import { Button } from '@/ui/Button';
import { Notice } from '@/ui/Notice';
import styles from './App.module.css';

/** What stands in place of every page where the client does not know whom to talk to. */
export function Unusable({ reason }: { readonly reason: string }) {
  const { t } = useTranslation('common');
  return (
    <InPlaceOfPages title={t('failure.config')} action={t('retry')} onAction={() => window.location.reload()}>
      {reason}
    </InPlaceOfPages>
  );
}

/** What stands in place of every page where somebody has to sign in and could not. */
export function SignedOut({ failure }: { readonly failure: SignInFailed }) {
  const { t } = useTranslation('common');
  return (
    <InPlaceOfPages
      title={t('signIn.failed')}
      action={t('signIn.again')}
      // The first page, and not this one, which may be the way back of a sign-in that failed.
      onAction={() => window.location.assign(import.meta.env.BASE_URL)}
    >
      {t(`signIn.fault.${failure.fault}`, { reason: failure.message })}
    </InPlaceOfPages>
  );
}

interface InPlaceOfPagesProps {
  readonly title: string;
  readonly action: string;
  readonly onAction: () => void;
  readonly children: ReactNode;
}

function InPlaceOfPages({ title, action, onAction, children }: InPlaceOfPagesProps) {
  return (
    <main className={styles['main']}>
      <h1 className={styles['alone']}>{title}</h1>
      <Notice
        kind="danger"
        role="alert"
        actions={
          <Button small icon="retry" onClick={onAction}>
            {action}
          </Button>
        }
      >
        {children}
      </Notice>
    </main>
  );
}
