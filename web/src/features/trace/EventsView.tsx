import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { MagiEvent } from '@/protocol/types';
import { Button } from '@/ui/Button';
import { copyText } from '@/ui/copy';
import { Select } from '@/ui/Field';
import { useFormats } from '@/ui/format';
import { useToast, type Toast } from '@/ui/Toasts';
import { agentOf, ALL, filtered, jsonLines, NO_AGENT, typesOf, type EventFilter } from './eventLines';
import { EventList } from './EventList';
import styles from './EventsView.module.css';

interface EventsViewProps {
  readonly id: string;
  readonly events: readonly MagiEvent[];
}

/** The log itself. */
export function EventsView({ id, events }: EventsViewProps) {
  const { t } = useTranslation(['trace', 'common']);
  const formats = useFormats();
  const [filter, setFilter] = useState<EventFilter>(ALL);
  const [currentSeq, setCurrentSeq] = useState<number | null>(null);
  const shown = useMemo(() => filtered(events, filter), [events, filter]);
  const current = shown.find(({ seq }) => seq === currentSeq);
  const copy = useCopy();
  return (
    <div className={styles['view']}>
      <Filters events={events} filter={filter} onFilter={setFilter} />
      <div className={styles['actions']}>
        <p className={styles['count']}>
          {t('trace:events.count', { n: formats.count(shown.length), m: formats.count(events.length) })}
        </p>
        <Button
          small
          icon="copy"
          disabled={shown.length === 0}
          onClick={() => copy(jsonLines(shown), t('trace:events.copiedAll', { n: formats.count(shown.length) }))}
        >
          {t('trace:events.copyAll')}
        </Button>
        <Button small icon="download" disabled={shown.length === 0} onClick={() => download(id, jsonLines(shown))}>
          {t('trace:events.download')}
        </Button>
      </div>
      {shown.length === 0 ? (
        <p className={styles['none']}>{t('trace:events.none')}</p>
      ) : (
        <EventList
          key={`${filter.agentId} ${filter.type}`}
          events={shown}
          currentSeq={currentSeq}
          onCurrent={setCurrentSeq}
        />
      )}
      {current !== undefined && (
        <One event={current} onCopy={() => copy(JSON.stringify(current), t('common:copied'))} />
      )}
    </div>
  );
}

interface FiltersProps {
  readonly events: readonly MagiEvent[];
  readonly filter: EventFilter;
  readonly onFilter: (filter: EventFilter) => void;
}

/** What stands for "all" in a select, whose values are texts; no agent and no type is called so. */
const EVERY = '*';

function Filters({ events, filter, onFilter }: FiltersProps) {
  const { t } = useTranslation('trace');
  const agents = useMemo(() => [...new Set(events.map(agentOf))].filter((agentId) => agentId !== NO_AGENT), [events]);
  const types = useMemo(() => typesOf(events), [events]);
  const first = events[0];
  const cards = first?.type === 'start' ? first.council.agents : [];
  const chosen = (value: string) => (value === EVERY ? null : value);
  return (
    <div className={styles['filters']}>
      <Select
        label={t('events.agent')}
        value={filter.agentId ?? EVERY}
        onChange={(event) => onFilter({ ...filter, agentId: chosen(event.target.value) })}
      >
        <option value={EVERY}>{t('events.everyAgent')}</option>
        {agents.map((agentId) => (
          <option key={agentId} value={agentId}>
            {cards.find((card) => card.agentId === agentId)?.name ?? agentId}
          </option>
        ))}
        <option value={NO_AGENT}>{t('events.noAgent')}</option>
      </Select>
      <Select
        label={t('events.type')}
        value={filter.type ?? EVERY}
        onChange={(event) => onFilter({ ...filter, type: chosen(event.target.value) })}
      >
        <option value={EVERY}>{t('events.everyType')}</option>
        {types.map((type) => (
          <option key={type} value={type}>
            {type}
          </option>
        ))}
      </Select>
    </div>
  );
}

function One({ event, onCopy }: { readonly event: MagiEvent; readonly onCopy: () => void }) {
  const { t } = useTranslation('trace');
  return (
    <section className={styles['one']} aria-label={t('events.one', { n: event.seq })}>
      <div className={styles['oneHead']}>
        <h3 className={styles['oneTitle']}>{t('events.one', { n: event.seq })}</h3>
        <Button small icon="copy" onClick={onCopy}>
          {t('events.copyOne')}
        </Button>
      </div>
      <pre className={styles['json']} tabIndex={0}>
        {JSON.stringify(event, null, 2)}
      </pre>
    </section>
  );
}

function useCopy(): (text: string, done: string) => void {
  const { t } = useTranslation('trace');
  const toast: (toast: Toast) => void = useToast();
  return (text, done) => {
    copyText(text).then(
      () => toast({ text: done }),
      () => toast({ text: t('copyFailed') }),
    );
  };
}

function download(id: string, lines: string): void {
  const url = URL.createObjectURL(new Blob([lines], { type: 'application/x-ndjson' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `magi-${id.replace(/[^\w-]/g, '_')}.jsonl`;
  link.click();
  // Not at once: the browser begins to read it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
