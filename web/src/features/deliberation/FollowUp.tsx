import { useId, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Mode, Start } from '@/protocol/types';
import { Button } from '@/ui/Button';
import { characters, isVisible } from '@/ui/characters';
import { useFailureWords } from '@/ui/Failure';
import { TextArea } from '@/ui/Field';
import { Notice } from '@/ui/Notice';
import styles from './FollowUp.module.css';
import { QUESTION_CHARS, useAsk } from './useAsk';
import { useDraft } from './useDraft';

/** The next question of the conversation: to the council, or to its judge alone. */
export function FollowUp({ start }: { readonly start: Start }) {
  const { t } = useTranslation('deliberation');
  const words = useFailureWords();
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const draft = useDraft(start.sessionId);
  const question = draft.text;
  const [isRefused, setRefused] = useState(false);
  const { councilId, judge, starting, error, ask } = useAsk(start, draft.sent);
  const fault = faultOf(question);
  const send = (mode: Mode) => {
    setRefused(fault !== null);
    if (fault === null) ask(question, mode);
    else area.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send('deliberate');
  };
  const faultWords = { empty: t('followUp.empty'), tooLong: t('followUp.tooLong', { n: characters(question.trim()), most: QUESTION_CHARS }) }; // prettier-ignore
  return (
    <section className={styles['followUp']} aria-labelledby={id}>
      <h2 id={id} className={styles['title']}>
        {t('followUp.title')}
      </h2>
      <TextArea
        ref={area}
        label={t('followUp.label')}
        labelHidden
        placeholder={t('followUp.placeholder')}
        hint={t('followUp.hint')}
        error={isRefused && fault !== null ? faultWords[fault] : null}
        rows={3}
        value={question}
        onChange={(event) => draft.write(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {error !== null && (
        <Notice kind="danger" role="alert" title={t('followUp.failed')}>
          {words(error)}
        </Notice>
      )}
      <div className={styles['buttons']}>
        <Button kind="primary" icon="send" aria-disabled={starting !== null} onClick={() => send('deliberate')}>
          {starting === 'deliberate' ? t('followUp.starting') : t('followUp.council', { council: councilId })}
        </Button>
        {judge !== null && (
          <Button icon="solomon" aria-disabled={starting !== null} onClick={() => send('chat')}>
            {starting === 'chat' ? t('followUp.starting') : t('followUp.chat', { judge })}
          </Button>
        )}
      </div>
    </section>
  );
}

function faultOf(question: string): 'empty' | 'tooLong' | null {
  if (!isVisible(question)) return 'empty';
  return characters(question.trim()) > QUESTION_CHARS ? 'tooLong' : null;
}
