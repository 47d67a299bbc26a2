import { type SubmitEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { useFailureWords } from '@/ui/Failure';
import { Notice } from '@/ui/Notice';
import { paths } from '@/ui/paths';
import { useToast } from '@/ui/Toasts';
import { CouncilFields } from './CouncilFields';
import { councilName, type Listed } from './council';
import styles from './councils.module.css';
import type { Edition } from './edition';
import { isSameForm } from './form';
import { LeaveDialog } from './LeaveDialog';
import { councilPaths } from './places';
import { SeatsEditor } from './SeatsEditor';
import { refusalsOf, useCouncilForm, type CouncilFormState } from './useCouncilForm';
import { useCouncilChanges } from './useCouncils';
import { useFaultWords } from './useFaultWords';
import { useLeaveGuard } from './useLeaveGuard';

const TITLES = {
  new: 'edit.titleNew',
  copy: 'edit.titleCopy',
  import: 'edit.titleImport',
  edit: 'edit.titleEdit',
} as const;

interface CouncilEditorProps {
  readonly edition: Edition;
  readonly councils: readonly Listed[];
}

export function CouncilEditor({ edition, councils }: CouncilEditorProps) {
  const { t } = useTranslation('councils');
  const form = useRef<HTMLFormElement>(null);
  const taken = edition.changed === null ? councils.map(({ id }) => id) : [];
  const state = useCouncilForm(edition.start, taken);
  const { isSaving, failure, save } = useSaving(state);
  const guard = useLeaveGuard(!isSaving && (edition.kind === 'import' || !isSameForm(state.form, edition.start)));
  const back = edition.changed === null ? paths.councils : councilPaths.see(edition.changed.id);

  const [nRefused, setRefused] = useState(0);
  useEffect(() => {
    // After the faults are drawn, the first of them is where the work goes on.
    if (nRefused > 0) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
  }, [nRefused]);
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    if (isSaving) return;
    void save().then((saved) => {
      if (saved !== null) guard.go(councilPaths.see(saved.id));
      else setRefused((n) => n + 1);
    });
  };
  return (
    <form ref={form} className={styles['editor']} noValidate onSubmit={onSubmit}>
      <h1>{t(TITLES[edition.kind], { name: edition.of })}</h1>
      <Meanwhile changed={edition.changed} councils={councils} />
      <CouncilFields state={state} isIdFixed={edition.changed !== null} />
      <SeatsEditor state={state} />
      <Problems state={state} failure={failure} />
      <div className={styles['foot']}>
        <Button type="submit" kind="primary" aria-disabled={isSaving}>
          {t(isSaving ? 'edit.saving' : 'edit.save')}
        </Button>
        <Button kind="quiet" onClick={() => guard.ask(back)}>
          {t('cancel', { ns: 'common' })}
        </Button>
      </div>
      {guard.isAsking && <LeaveDialog guard={guard} />}
    </form>
  );
}

function useSaving(state: CouncilFormState) {
  const { t } = useTranslation('councils');
  const changes = useCouncilChanges();
  const toast = useToast();
  const [isSaving, setSaving] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  /** Gives what was saved; null where it was not. */
  const save = async (): Promise<Listed | null> => {
    setFailure(null);
    const council = state.submit();
    if (council === null) return null;
    setSaving(true);
    try {
      const saved = await changes.save(council);
      toast({ text: t('saved', { name: councilName(saved) }) });
      return saved;
    } catch (error) {
      state.refuse(refusalsOf(error));
      setFailure(error);
      setSaving(false);
      return null;
    }
  };
  return { isSaving, failure, save };
}

/** What became of the council on the server since it was opened here. */
function Meanwhile({ changed, councils }: { readonly changed: Listed | null; readonly councils: readonly Listed[] }) {
  const { t } = useTranslation('councils');
  if (changed === null) return null;
  const now = councils.find(({ id }) => id === changed.id);
  if (now === undefined) return <Notice kind="warning" role="status" title={t('edit.gone')} />;
  if (now.updatedAt !== changed.updatedAt) return <Notice kind="warning" role="status" title={t('edit.changed')} />;
  return null;
}

/** Everything that keeps the council from being saved, where the button is. */
function Problems({ state, failure }: { readonly state: CouncilFormState; readonly failure: unknown }) {
  const { t } = useTranslation('councils');
  const words = useFaultWords();
  const failureWords = useFailureWords();
  if (state.faults.length > 0) {
    return (
      <Notice kind="danger" role="alert" title={t('edit.faults')}>
        <ul className={styles['faults']}>
          {state.faults.map((fault) => (
            <li key={`${fault.field} ${fault.code}`}>{words.inForm(fault)}</li>
          ))}
        </ul>
      </Notice>
    );
  }
  if (failure === null) return null;
  const refusals = refusalsOf(failure);
  return (
    <Notice kind="danger" role="alert" title={t('edit.refused')}>
      {refusals.length === 0 ? (
        <p>{failureWords(failure)}</p>
      ) : (
        <ul className={styles['faults']}>
          {refusals.map(({ field, message }) => (
            <li key={`${field} ${message}`}>{t('faultAt', { field: words.where(field), what: message })}</li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
