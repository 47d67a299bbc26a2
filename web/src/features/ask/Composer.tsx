import { useRef, useState, type KeyboardEvent, type SubmitEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiProblem } from '@/transport/api';
import { Button } from '@/ui/Button';
import { characters } from '@/ui/characters';
import { useFormats } from '@/ui/format';
import styles from './ask.module.css';
import { CouncilField, CouncilNotes } from './CouncilField';
import { Criteria } from './Criteria';
import { Ending } from './Ending';
import { Examples } from './Examples';
import { boundOf, faultsOf, fieldOf, requestOf, type Draft, type DraftField } from './question';
import { QuestionBox } from './QuestionBox';
import { useAsking, type Asking } from './useAsking';
import { useCouncilChoice } from './useCouncilChoice';
import { useDraft } from './useDraft';

/** Where a question is written and asked. */
export function Composer() {
  const [draft, setDraft] = useDraft();
  const choice = useCouncilChoice();
  const { asking, ask, cancel, clear } = useAsking();
  const [isTried, setTried] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const errorOf = useErrors(draft, asking, isTried);
  const isWaiting = asking.kind === 'waiting';

  const change = (fields: Partial<Draft>) => {
    setDraft(fields);
    setTried(false);
    clear();
  };
  const send = () => {
    if (isWaiting) return;
    if (Object.keys(faultsOf(draft)).length === 0) {
      ask(requestOf(draft, choice.id));
      return;
    }
    setTried(true);
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus());
  };
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    send();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && isWaiting) cancel();
  };
  return (
    <form ref={form} className={styles['composer']} noValidate onSubmit={onSubmit} onKeyDown={onKeyDown}>
      <div className={styles['card']}>
        <QuestionBox
          value={draft.question}
          error={errorOf('question')}
          onChange={(question) => change({ question })}
          onSend={send}
        />
        <Criteria
          draft={draft}
          errors={{ approveIf: errorOf('approveIf'), rejectIf: errorOf('rejectIf') }}
          onChange={change}
        />
        <div className={styles['bar']}>
          <CouncilField choice={choice} onChange={clear} error={errorOf('council')} />
          <Send isWaiting={isWaiting} isInLine={isWaiting && asking.isInLine} onCancel={cancel} />
        </div>
      </div>
      <Ending asking={asking} onRetry={send} />
      <CouncilNotes choice={choice} />
      <Examples current={draft.question} onPick={(question) => change({ question })} />
    </form>
  );
}

interface SendProps {
  readonly isWaiting: boolean;
  readonly isInLine: boolean;
  readonly onCancel: () => void;
}

function Send({ isWaiting, isInLine, onCancel }: SendProps) {
  const { t } = useTranslation('ask');
  const isApple = /Mac|iPhone|iPad/.test(navigator.userAgent);
  return (
    <div className={styles['send']}>
      <span className={styles['shortcut']} aria-hidden="true">
        {isWaiting
          ? t(isInLine ? 'send.inLineEscape' : 'send.escape')
          : t('send.shortcut', { key: isApple ? '⌘' : 'Ctrl' })}
      </span>
      {/* One button in one place: the second press takes the first one back. */}
      <Button
        type={isWaiting ? 'button' : 'submit'}
        kind={isWaiting ? 'plain' : 'primary'}
        icon={isWaiting ? 'stop' : 'send'}
        className={styles['sendButton']}
        aria-keyshortcuts="Control+Enter Meta+Enter"
        onClick={isWaiting ? onCancel : undefined}
      >
        {t(isWaiting ? 'send.cancel' : 'send.ask')}
      </Button>
      <span className="visually-hidden" role="status">
        {isWaiting && t(isInLine ? 'send.inLine' : 'send.waiting')}
      </span>
    </div>
  );
}

/** What is wrong with a field, by the page's own rules or by the server's answer. */
function useErrors(draft: Draft, asking: Asking, isTried: boolean) {
  const { t } = useTranslation('ask');
  const format = useFormats();
  const faults = faultsOf(draft);
  return (field: DraftField | 'council'): string | null => {
    const fault = field === 'council' ? undefined : faults[field];
    if (field !== 'council' && fault === 'tooLong') {
      const [n, most] = [characters(draft[field].trim()), boundOf(field)];
      return t('tooLong', { n: format.count(n), most: format.count(most) });
    }
    if (fault === 'empty') return isTried ? t('question.empty') : null;
    return refusalOf(asking, field);
  };
}

/** What the server said of a field. */
export function refusalOf(asking: Asking, field: DraftField | 'council'): string | null {
  if (asking.kind !== 'failed' || !(asking.error instanceof ApiProblem)) return null;
  const { problem } = asking.error;
  const named = problem.faults ?? [{ field: problem.field, message: problem.detail }];
  const fault = named.find((candidate) => fieldOf(candidate.field) === field);
  return fault === undefined ? null : (fault.message ?? problem.detail).replace(/^`[^`]*`: /, '');
}
