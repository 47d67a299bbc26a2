import { useTranslation } from 'react-i18next';
import { ApiProblem } from '@/transport/api';
import { Button } from '@/ui/Button';
import { useFailureWords } from '@/ui/Failure';
import { Notice } from '@/ui/Notice';
import type { Asking } from './useAsking';

interface EndingProps {
  readonly asking: Asking;
  readonly onRetry: () => void;
}

/** How an asking ended that did not begin a deliberation, as far as this page knows. */
export function Ending({ asking, onRetry }: EndingProps) {
  const { t } = useTranslation('ask');
  const words = useFailureWords();
  const retry = (
    <Button small icon="retry" onClick={onRetry}>
      {t('retry', { ns: 'common' })}
    </Button>
  );
  if (asking.kind === 'left') {
    return (
      <Notice kind="info" role="status" title={t('stopped.title')} actions={retry}>
        {t('stopped.what')}
      </Notice>
    );
  }
  if (asking.kind !== 'failed') return null;
  const { error } = asking;
  const isRefused = error instanceof ApiProblem;
  const waitS = isRefused ? error.retryAfterS : null;
  return (
    <Notice kind="danger" role="alert" title={t(isRefused ? 'refused.title' : 'lost.title')} actions={retry}>
      <p>{words(error)}</p>
      {waitS !== null && <p>{t('refused.wait', { n: Math.ceil(waitS) })}</p>}
      {!isRefused && <p>{t('lost.what')}</p>}
    </Notice>
  );
}
