import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { Departure } from '@/live/departures';
import { beginning } from '@/ui/beginning';
import { Button, IconButton } from '@/ui/Button';
import { DecisionMark, OutcomeMark } from '@/ui/Decision';
import { useFailureWords } from '@/ui/Failure';
import { useFormats } from '@/ui/format';
import { Mark } from '@/ui/Mark';
import { Meter } from '@/ui/Meter';
import { Notice } from '@/ui/Notice';
import { paths } from '@/ui/paths';
import { useDayWords } from './days';
import { isRunning, nameOf, SHOWN_CHARS, type Item } from './items';
import { RenameForm } from './RenameForm';
import styles from './Row.module.css';

export interface RowActions {
  onSelect(item: Item, isSelected: boolean): void;
  onRename(item: Item, title: string | null): void;
  onExport(item: Item): void;
  onDelete(item: Item): void;
  onDismiss(id: string): void;
}

interface RowProps {
  readonly item: Item;
  readonly selection: 'off' | 'on' | 'full';
  readonly departure: Departure | undefined;
  readonly actions: RowActions;
}

export function Row({ item, selection, departure, actions }: RowProps) {
  const { t } = useTranslation('history');
  const [isRenaming, setRenaming] = useState(false);
  const renameButton = useRef<HTMLButtonElement>(null);
  const name = nameOf(item);
  return (
    <li className={styles['row']} data-deliberation={item.deliberationId}>
      <label className={styles['select']} title={t('row.selectHint')}>
        <input
          type="checkbox"
          aria-label={t('row.select', { name })}
          checked={selection === 'on'}
          disabled={selection === 'full'}
          onChange={({ target }) => actions.onSelect(item, target.checked)}
        />
      </label>
      <div className={styles['words']}>
        {isRenaming ? (
          <RenameForm
            item={item}
            onSave={(title) => actions.onRename(item, title)}
            onClose={() => {
              setRenaming(false);
              renameButton.current?.focus();
            }}
          />
        ) : (
          <Words item={item} name={name} />
        )}
        <Refusal item={item} departure={departure} actions={actions} />
      </div>
      <Result item={item} />
      <Origin item={item} />
      <div className={styles['actions']}>
        <IconButton
          ref={renameButton}
          icon="edit"
          small
          label={t('row.rename', { name })}
          title={t('row.renameShort')}
          aria-expanded={isRenaming}
          onClick={() => setRenaming(true)}
        />
        <IconButton
          icon="download"
          small
          label={t('row.export', { name })}
          title={t('row.exportShort')}
          onClick={() => actions.onExport(item)}
        />
        <IconButton
          icon="delete"
          small
          label={t('row.delete', { name })}
          title={t('row.deleteShort')}
          onClick={() => actions.onDelete(item)}
        />
      </div>
    </li>
  );
}

function Words({ item, name }: { readonly item: Item; readonly name: string }) {
  const question = beginning(item.question, SHOWN_CHARS);
  return (
    <>
      <h3 className={styles['name']}>
        <Link href={paths.deliberation(item.deliberationId)}>{name}</Link>
      </h3>
      {name !== question && <p className={styles['question']}>{question}</p>}
      {item.summary !== null && <p className={styles['summary']}>{beginning(item.summary, SHOWN_CHARS)}</p>}
    </>
  );
}

/** How it stands, or how it came out. */
function Result({ item }: { readonly item: Item }) {
  const { t } = useTranslation(['history', 'common']);
  const formats = useFormats();
  const { decision, outcome, confidence, status } = item;
  return (
    <div className={styles['result']}>
      {isRunning(item) && (
        <span className={styles['running']}>
          <Mark tone="neutral" icon="clock">
            {t('status.running')}
          </Mark>
        </span>
      )}
      {status === 'cancelled' && (
        <Mark tone="neutral" icon="stop">
          {t('status.cancelled')}
        </Mark>
      )}
      {status === 'error' && (
        <Mark tone="danger" icon="warning">
          {t('status.error')}
        </Mark>
      )}
      {decision !== null && <DecisionMark decision={decision} />}
      {/* That it was decided, the decision's own mark has said. */}
      {outcome !== null && outcome !== 'decided' && <OutcomeMark outcome={outcome} />}
      {confidence !== null && (
        <div className={styles['confidence']}>
          <Meter value={confidence} text={formats.percent(confidence)} label={t('common:confidence')} />
        </div>
      )}
    </div>
  );
}

function Origin({ item }: { readonly item: Item }) {
  const { t } = useTranslation('history');
  const formats = useFormats();
  const { time } = useDayWords();
  return (
    <p className={styles['origin']}>
      <time dateTime={item.startedAt} title={formats.moment(item.startedAt)}>
        {time(item.startedAt)}
      </time>
      <span>{t(`mode.${item.mode}`)}</span>
      <span>
        <span className="visually-hidden">{t('row.council')} </span>
        {item.council}
      </span>
    </p>
  );
}

function Refusal({ item, departure, actions }: Pick<RowProps, 'item' | 'departure' | 'actions'>) {
  const { t } = useTranslation(['history', 'common']);
  const wordsOf = useFailureWords();
  if (departure?.kind !== 'refused') return null;
  return (
    <Notice
      kind="danger"
      title={t('refused', { reason: wordsOf(departure.error) })}
      actions={
        <>
          <Button small icon="retry" onClick={() => actions.onDelete(item)}>
            {t('common:retry')}
          </Button>
          <Button small kind="quiet" onClick={() => actions.onDismiss(item.deliberationId)}>
            {t('common:close')}
          </Button>
        </>
      }
    />
  );
}
