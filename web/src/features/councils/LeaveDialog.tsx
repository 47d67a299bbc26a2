import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import type { LeaveGuard } from './useLeaveGuard';

export function LeaveDialog({ guard }: { readonly guard: LeaveGuard }) {
  const { t } = useTranslation('councils');
  return (
    <Dialog
      title={t('leave.title')}
      onClose={guard.stay}
      actions={
        <>
          <Button kind="quiet" onClick={guard.leave}>
            {t('leave.leave')}
          </Button>
          <Button kind="primary" onClick={guard.stay}>
            {t('leave.stay')}
          </Button>
        </>
      }
    >
      <p>{t('leave.what')}</p>
    </Dialog>
  );
}
