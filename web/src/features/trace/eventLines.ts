/** The events as lines of JSON, and which of them are shown. Pure. */
import type { MagiEvent } from '@/protocol/types';

/** An event of no agent, in the filter. Agents' ids are never empty. */
export const NO_AGENT = '';

export interface EventFilter {
  /** null: all. */
  readonly agentId: string | null;
  readonly type: string | null;
}

export const ALL: EventFilter = { agentId: null, type: null };

export function agentOf(event: MagiEvent): string {
  return ('agentId' in event ? event.agentId : null) ?? NO_AGENT;
}

export function filtered(events: readonly MagiEvent[], { agentId, type }: EventFilter): readonly MagiEvent[] {
  if (agentId === null && type === null) return events;
  return events.filter(
    (event) => (agentId === null || agentOf(event) === agentId) && (type === null || event.type === type),
  );
}

/** The types there are, in the order in which they first came. */
export function typesOf(events: readonly MagiEvent[]): readonly string[] {
  return [...new Set(events.map(({ type }) => type))];
}

/** One event a line, each line ended. */
export function jsonLines(events: readonly MagiEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

const LINE_CHARS = 240;

/** The beginning of an event's line: as much of it as a row can show. */
export function lineOf(event: MagiEvent): string {
  const line = JSON.stringify(event);
  return line.length <= LINE_CHARS ? line : `${line.slice(0, LINE_CHARS)}…`;
}

export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Which of `n` rows of that height are seen, and a few around them. */
export function windowOf(n: number, rowPx: number, scrollPx: number, heightPx: number, around = 8): Window {
  const from = Math.floor(scrollPx / rowPx) - around;
  const to = Math.ceil((scrollPx + heightPx) / rowPx) + around;
  return { from: Math.min(Math.max(0, from), n), to: Math.min(Math.max(0, to), n) };
}
