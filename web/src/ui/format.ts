/** Numbers, times and money as people read them, in the language of the page. */
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';

export interface Formats {
  /** 0.82 → "82 %" */
  percent(share: number): string;
  count(n: number): string;
  /** Milliseconds → "4.2 s", "1 min 03 s". */
  duration(ms: number): string;
  /** US dollars, to the digits that say something: "$0.0042". */
  cost(usd: number): string;
  /** A moment (RFC 3339 or epoch ms) → date and time in the reader's zone. */
  moment(at: string | number): string;
}

/**
 * The locale for numbers and dates: the reader's own, such as en-GB, where it is of the page's language, so that dates
 * read as the reader is used to; else the page's language.
 */
export function localeOf(language: string): string {
  const base = (tag: string) => tag.split('-')[0]?.toLowerCase();
  return navigator.languages.find((tag) => base(tag) === base(language) && isLocale(tag)) ?? language;
}

/** Some browsers name what is no language tag, such as "en-US@posix", which Intl throws at. */
function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

export function formatsOf(language: string): Formats {
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 });
  const count = new Intl.NumberFormat(language);
  const seconds = new Intl.NumberFormat(language, {
    style: 'unit',
    unit: 'second',
    unitDisplay: 'narrow',
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const whole = new Intl.NumberFormat(language, {
    style: 'unit',
    unit: 'second',
    unitDisplay: 'narrow',
    minimumIntegerDigits: 2,
    maximumFractionDigits: 0,
  });
  const minutes = new Intl.NumberFormat(language, { style: 'unit', unit: 'minute', unitDisplay: 'narrow' });
  const cost = new Intl.NumberFormat(language, {
    style: 'currency',
    currency: 'USD',
    currencyDisplay: 'narrowSymbol',
    minimumFractionDigits: 2,
    maximumSignificantDigits: 2,
  });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  return {
    percent: (share) => percent.format(share),
    count: (n) => count.format(n),
    duration: (ms) => {
      const s = Math.max(0, ms) / 1000;
      if (s < 59.95) return seconds.format(s);
      const rounded = Math.round(s);
      return `${minutes.format(Math.floor(rounded / 60))} ${whole.format(rounded % 60)}`;
    },
    cost: (usd) => cost.format(usd),
    moment: (at) => moment.format(new Date(at)),
  };
}

export function useFormats(): Formats {
  const { i18n } = useTranslation();
  return useMemo(() => formatsOf(localeOf(i18n.language)), [i18n.language]);
}
