/** A deliberation as a file on the reader's machine. */
import { useTranslation } from 'react-i18next';
import { useBackend } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import type { MagiEvent } from '@/protocol/types';
import { Unreachable } from '@/transport/api';
import { deliberationJson, deliberationMarkdown, download, exportName } from '@/ui/export';
import { useFormats } from '@/ui/format';

export const FORMATS = ['markdown', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** Of a log that cannot be reached, a reader who waits for a file hears soon; following it would try for ever. */
const MOST_TRIES = 3;

/** The log up to `cursor`, as far as it is wanted: rejects when it is refused, out of reach, or `signal` ends the wait. */
export function eventsUntil(
  live: LiveDeliberation,
  cursor: number,
  signal: AbortSignal,
): Promise<readonly MagiEvent[]> {
  return new Promise((resolve, reject) => {
    const end = (conclude: () => void) => {
      unsubscribe();
      signal.removeEventListener('abort', abort);
      conclude();
    };
    const abort = () => end(() => reject(signal.reason as Error));
    const look = () => {
      const { state, events, connection } = live.snapshot();
      if (state.cursor >= cursor) end(() => resolve(events));
      else if (connection.kind === 'refused') end(() => reject(connection.error));
      else if (connection.kind === 'lost' && connection.tries >= MOST_TRIES)
        end(() => reject(new Unreachable('the log is out of reach')));
    };
    const unsubscribe = live.subscribe(look);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    else look();
  });
}

/** Gives the function that fetches a deliberation and hands it to the browser as a file. */
export function useExport(): (id: string, format: Format, signal: AbortSignal) => Promise<void> {
  const backend = useBackend();
  const { t } = useTranslation(['deliberation', 'common']);
  const formats = useFormats();
  return async (id, format, signal) => {
    const state = await backend.api.state(id, signal);
    if (format === 'markdown') {
      download(exportName(id, 'md'), 'text/markdown', deliberationMarkdown(state, t, formats));
    } else {
      const events = await eventsUntil(backend.deliberation(id), state.cursor, signal);
      download(exportName(id, 'json'), 'application/json', deliberationJson(events));
    }
  };
}
