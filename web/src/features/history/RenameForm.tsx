import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { beginning } from '@/ui/beginning';
import { Button } from '@/ui/Button';
import { TextField } from '@/ui/Field';
import type { Item } from './items';
import { titleFrom } from './renaming';
import styles from './Row.module.css';

interface RenameFormProps {
  readonly item: Item;
  readonly onSave: (title: string | null) => void;
  readonly onClose: () => void;
}

const TITLE_CHARS = 200;

/** Stands in the place of the row's name. */
export function RenameForm({ item, onSave, onClose }: RenameFormProps) {
  const { t } = useTranslation(['history', 'common']);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const before = item.title ?? null;
  return (
    <form
      className={styles['rename']}
      onSubmit={(event) => {
        event.preventDefault();
        const title = titleFrom(field.current?.value ?? '');
        if (title !== before) onSave(title);
        onClose();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && !event.nativeEvent.isComposing) onClose();
      }}
    >
      <TextField
        ref={field}
        label={t('rename.label')}
        hint={t('rename.hint')}
        placeholder={beginning(item.question, 80)}
        defaultValue={before ?? ''}
        maxLength={TITLE_CHARS}
        autoComplete="off"
      />
      <div className={styles['buttons']}>
        <Button type="submit" kind="primary" small>
          {t('common:save')}
        </Button>
        <Button small onClick={onClose}>
          {t('common:cancel')}
        </Button>
      </div>
    </form>
  );
}
