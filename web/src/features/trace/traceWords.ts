/** What the trace says of spans and marks, in the language of the page. */
import type { i18n as I18n, TFunction } from 'i18next';
import type { Formats } from '@/ui/format';
import type { Item } from './timelineItems';

export type TraceWords = TFunction<['trace', 'common']>;

export interface Speaking {
  readonly t: TraceWords;
  readonly i18n: I18n;
  readonly formats: Formats;
}

/** What an item is, in a few words. An action this version does not know is called by its own name. */
export function titleOf(item: Item, { t, i18n }: Speaking): string {
  if (item.type === 'span') return t(`trace:span.${item.span.kind}`);
  const { kind, event, trace } = item.mark;
  if (event.type === 'vote' || event.type === 'verdict') {
    return t(`trace:mark.${event.type}`, { decision: t(`common:decision.${event.decision}`) });
  }
  if (event.type === 'agent_start')
    return t(`trace:mark.${event.attempt > 1 ? 'again' : 'begun'}`, { n: event.attempt });
  if (event.type === 'agent_complete') return t('trace:mark.ended', { status: t(`trace:status.${event.status}`) });
  if (trace === null) return kind === 'over' ? t('trace:mark.over') : event.type;
  const key = `trace:action.${trace.action}`;
  // Only what looks like an action is looked up: a dot or colon would be read as a path in the catalogue.
  const isKnown = /^[a-z_]+$/.test(trace.action) && i18n.exists(key);
  return isKnown ? String(t(key as never)) : trace.action;
}

/** When, how long, and what the server says about it. */
export function detailsOf(item: Item, { t, formats }: Speaking): readonly string[] {
  const at = shortTime(item.fromMs);
  if (item.type === 'span') {
    const { toMs, attempt, isVoid, nEvents } = item.span;
    const lasted = timeOf(item.toMs - item.fromMs, formats);
    return [
      t(toMs === null ? 'trace:sinceFor' : 'trace:atFor', { at, lasted }),
      ...(attempt > 1 || isVoid ? [t('trace:attempt', { n: attempt })] : []),
      ...(isVoid ? [t('trace:void')] : []),
      ...(nEvents > 1 ? [t('trace:nEvents', { n: formats.count(nEvents) })] : []),
    ];
  }
  const { trace, event, seq } = item.mark;
  const durationMs = trace?.durationMs ?? null;
  return [
    t('trace:atSeq', { at, n: seq }),
    ...(durationMs === null ? [] : [timeOf(durationMs, formats)]),
    ...(trace !== null ? [trace.action, trace.details] : []),
    ...(event.type === 'agent_complete' && event.cause != null ? [event.cause] : []),
  ];
}

/** Milliseconds where seconds would say nothing. */
export function timeOf(ms: number, formats: Formats): string {
  return ms < 1_000 ? `${formats.count(Math.round(ms))} ms` : formats.duration(ms);
}

/** A time on an axis of that length, with tenths where those say something. */
export function axisTime(ms: number, untilMs: number): string {
  return untilMs < 6_000 ? shortTime(ms) : shortTime(ms).slice(0, -2);
}

/** 4.2 s is "0:04.2". */
export function shortTime(ms: number): string {
  const tenths = Math.floor(ms / 100);
  const seconds = Math.floor(tenths / 10);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}.${tenths % 10}`;
}
