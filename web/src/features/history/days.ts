/** The past by days, in the reader's zone. */
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { localeOf } from '@/ui/format';

export interface Day<T> {
  /** `2026-03-14`, local. */
  readonly date: string;
  /** Days before today; below 0 where the server's clock is ahead of this one. */
  readonly ago: number;
  /** A moment of that day. */
  readonly at: Date;
  readonly items: readonly T[];
}

const DAY_MS = 86_400_000;
const twoDigits = (n: number) => String(n).padStart(2, '0');

function dateOf(at: Date): string {
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
}

/** Whole days between two local dates; those of a change of clocks have 23 or 25 hours. */
function daysBetween(from: Date, to: Date): number {
  const noon = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate(), 12).getTime();
  return Math.round((noon(to) - noon(from)) / DAY_MS);
}

/** Groups what stands in order of time; the order of items and of days is kept. */
export function byDay<T extends { readonly startedAt: string }>(items: readonly T[], now: Date): readonly Day<T>[] {
  const days: (Day<T> & { items: T[] })[] = [];
  for (const item of items) {
    const at = new Date(item.startedAt);
    const date = dateOf(at);
    const last = days.at(-1);
    if (last?.date === date) last.items.push(item);
    else days.push({ date, ago: daysBetween(at, now), at, items: [item] });
  }
  return days;
}

export interface DayWords {
  /** "Today", "Yesterday", else the date. */
  readonly name: (day: Pick<Day<unknown>, 'ago' | 'at'>) => string;
  /** "14:03" */
  readonly time: (at: string) => string;
}

export function useDayWords(): DayWords {
  const { t, i18n } = useTranslation('history');
  return useMemo(() => {
    const locale = localeOf(i18n.language);
    const date = new Intl.DateTimeFormat(locale, { dateStyle: 'full' });
    const time = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
    return {
      name: ({ ago, at }) => (ago === 0 ? t('today') : ago === 1 ? t('yesterday') : date.format(at)),
      time: (at) => time.format(new Date(at)),
    };
  }, [t, i18n.language]);
}
