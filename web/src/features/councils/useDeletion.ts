import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { useFailureWords } from '@/ui/Failure';
import { paths } from '@/ui/paths';
import { useToast } from '@/ui/Toasts';
import { councilName, type Listed } from './council';
import { councilPaths } from './places';
import { useCouncilChanges } from './useCouncils';

/** Deletes a council at once, and offers to write it again. */
export function useDeletion(council: Listed) {
  const { t } = useTranslation('councils');
  const [, navigate] = useLocation();
  const { remove, restore } = useCouncilChanges();
  const failure = useFailureWords();
  const toast = useToast();
  const [isDeleting, setDeleting] = useState(false);
  const name = councilName(council);
  const failed = (error: unknown) => toast({ text: t('notDone', { reason: failure(error) }) });

  const undo = () =>
    restore(council).then(() => {
      toast({ text: t('restored', { name }) });
      navigate(councilPaths.see(council.id));
    }, failed);

  const deleteIt = async () => {
    setDeleting(true);
    try {
      await remove(council.id);
      navigate(paths.councils);
      // The button that had the focus is gone with the council.
      document.getElementById('content')?.focus();
      toast({ text: t('deleted', { name }), action: { label: t('undo', { ns: 'common' }), run: () => void undo() } });
    } catch (error) {
      failed(error);
    } finally {
      setDeleting(false);
    }
  };
  return { isDeleting, remove: () => void deleteIt() };
}
