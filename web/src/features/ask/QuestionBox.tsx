import { useEffect, useLayoutEffect, useRef, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { TextArea } from '@/ui/Field';
import styles from './ask.module.css';
import { useLeft } from './useLeft';

interface QuestionBoxProps {
  readonly value: string;
  readonly error: string | null;
  readonly onChange: (value: string) => void;
  readonly onSend: () => void;
}

export function QuestionBox({ value, error, onChange, onSend }: QuestionBoxProps) {
  const { t } = useTranslation('ask');
  const box = useRef<HTMLTextAreaElement>(null);
  const left = useLeft();
  useLayoutEffect(() => {
    // Where the browser does not do it by itself (`field-sizing: content`), the box grows with its text here.
    if (box.current !== null && !canGrow()) fit(box.current);
  }, [value]);
  useEffect(() => {
    // On a phone the keyboard would cover what the page says.
    if (window.matchMedia('(hover: hover) and (pointer: fine)').matches) box.current?.focus({ preventScroll: true });
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    // While a word is being composed, Enter belongs to the input method.
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onSend();
  };
  return (
    <div className={styles['question']}>
      <TextArea
        ref={box}
        label={t('question.label')}
        labelHidden
        hint={left('question', value)}
        error={error}
        placeholder={t('question.placeholder')}
        rows={4}
        value={value}
        onChange={({ target }) => onChange(target.value)}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

function canGrow(): boolean {
  return typeof CSS !== 'undefined' && CSS.supports('field-sizing', 'content');
}

function fit(box: HTMLTextAreaElement): void {
  box.style.height = 'auto';
  box.style.height = `${box.scrollHeight + 2}px`;
}
