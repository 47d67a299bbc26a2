import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { TextArea } from '@/ui/Field';
import { Notice } from '@/ui/Notice';
import type { Checked, Fault } from './check';
import { BOUNDS, type Listed, type WrittenCouncil } from './council';
import styles from './councils.module.css';
import { imported, tooLarge } from './exchange';
import { councilPaths } from './places';
import { useFaultWords } from './useFaultWords';
import { useSeats } from './useSeats';

const SHOWN_FAULTS = 20;

interface ImportDialogProps {
  readonly councils: readonly Listed[];
  readonly onClose: () => void;
  /** Opens the editor at a path with the council. */
  readonly onOpen: (council: WrittenCouncil, path: string) => void;
}

export function ImportDialog({ councils, onClose, onOpen }: ImportDialogProps) {
  const { t } = useTranslation('councils');
  const [text, setText] = useState('');
  const [checked, setChecked] = useState<Checked | null>(null);
  const [isUnreadable, setUnreadable] = useState(false);

  const check = (given: string) => {
    setUnreadable(false);
    setText(given);
    setChecked(imported(given));
  };
  const read = async (file: File) => {
    if (file.size > BOUNDS.bytes) {
      setText('');
      setChecked(tooLarge);
      return;
    }
    try {
      check(await file.text());
    } catch {
      setUnreadable(true);
    }
  };
  return (
    <Dialog title={t('importing.title')} onClose={onClose}>
      <p className={styles['hint']}>{t('importing.hint')}</p>
      <FileChoice onFile={(file) => void read(file)} />
      {isUnreadable && <Notice kind="danger" role="alert" title={t('importing.unreadable')} />}
      <TextArea
        label={t('importing.paste')}
        rows={8}
        spellCheck={false}
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          setChecked(null);
        }}
      />
      {checked?.council === null && <Faults faults={checked.faults} />}
      {checked !== null && checked.council !== null ? (
        <Sound council={checked.council} councils={councils} onOpen={onOpen} />
      ) : (
        <div className={styles['foot']}>
          <Button kind="primary" disabled={text.trim() === ''} onClick={() => check(text)}>
            {t('importing.check')}
          </Button>
        </div>
      )}
    </Dialog>
  );
}

function FileChoice({ onFile }: { readonly onFile: (file: File) => void }) {
  const { t } = useTranslation('councils');
  const input = useRef<HTMLInputElement>(null);
  return (
    <div>
      <Button icon="upload" onClick={() => input.current?.click()}>
        {t('importing.choose')}
      </Button>
      <input
        ref={input}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label={t('importing.file')}
        onChange={({ target }) => {
          const file = target.files?.[0];
          if (file !== undefined) onFile(file);
          // The same file can be chosen again after it was mended.
          target.value = '';
        }}
      />
    </div>
  );
}

function Faults({ faults }: { readonly faults: readonly Fault[] }) {
  const { t } = useTranslation('councils');
  const words = useFaultWords();
  return (
    <Notice kind="danger" role="alert" title={t('importing.faults')}>
      <ul className={styles['faults']}>
        {faults.slice(0, SHOWN_FAULTS).map((fault) => (
          <li key={`${fault.field} ${fault.code}`}>
            {fault.field !== '' && <code className={styles['mono']}>{fault.field.slice(0, 80)}</code>}{' '}
            {words.what(fault)}
          </li>
        ))}
        {faults.length > SHOWN_FAULTS && <li>{t('importing.more', { n: faults.length - SHOWN_FAULTS })}</li>}
      </ul>
    </Notice>
  );
}

interface SoundProps {
  readonly council: WrittenCouncil;
  readonly councils: readonly Listed[];
  readonly onOpen: ImportDialogProps['onOpen'];
}

/** What can be done with a council that was read and found right. */
function Sound({ council, councils, onOpen }: SoundProps) {
  const { t } = useTranslation('councils');
  const seats = useSeats();
  const same = councils.find(({ id }) => id === council.id);
  const isOwn = same?.preset === false;
  return (
    <>
      <Notice
        kind="info"
        role="status"
        title={t('importing.sound', { name: council.name ?? council.id, seats: seats(council) })}
      >
        {same !== undefined && t(isOwn ? 'importing.isOwn' : 'importing.isPreset', { id: council.id })}
      </Notice>
      <div className={styles['foot']}>
        {isOwn && (
          <Button kind="primary" onClick={() => onOpen(council, councilPaths.edit(council.id))}>
            {t('importing.replace', { id: council.id })}
          </Button>
        )}
        <Button kind={isOwn ? 'plain' : 'primary'} onClick={() => onOpen(council, councilPaths.new)}>
          {t(isOwn ? 'importing.openCopy' : 'importing.open')}
        </Button>
      </div>
    </>
  );
}
