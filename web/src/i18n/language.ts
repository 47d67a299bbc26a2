/** Which language the page speaks, and how its catalogue comes. Only the one in use is loaded. */
import i18next, { type FormatterModule } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { localeOf } from '@/ui/format';
import { keep, kept } from '@/ui/kept';

export const LANGUAGES = ['en', 'ja'] as const;
export type Language = (typeof LANGUAGES)[number];

const KEPT = 'language';
const CATALOGUES = { en: () => import('./en'), ja: () => import('./ja') };

const numberFormats = new Map<string, Intl.NumberFormat>();

/** Making one is dear, and texts with numbers are rendered with every chunk. */
function numbersIn(language: string): Intl.NumberFormat {
  const locale = localeOf(language);
  const format = numberFormats.get(locale) ?? new Intl.NumberFormat(locale);
  numberFormats.set(locale, format);
  return format;
}

/** Writes every number in a text as its readers write it. */
const NUMBERS: FormatterModule = {
  type: 'formatter',
  init: () => undefined,
  add: () => undefined,
  addCached: () => undefined,
  format: (value: unknown, _format, lng) =>
    typeof value === 'number' ? numbersIn(lng ?? 'en').format(value) : (value as string),
};

/** The language chosen before, else the browser's first that there is, else English. */
export function preferredLanguage(): Language {
  const wanted = [kept(KEPT), ...navigator.languages];
  for (const name of wanted) {
    const found = LANGUAGES.find((language) => name?.toLowerCase().startsWith(language));
    if (found !== undefined) return found;
  }
  return 'en';
}

export async function startLanguage(language = preferredLanguage()): Promise<void> {
  await i18next
    .use(NUMBERS)
    .use(initReactI18next)
    .init({
      fallbackLng: false,
      defaultNS: 'common',
      // React escapes what it renders.
      interpolation: { escapeValue: false, alwaysFormat: true },
      returnNull: false,
      resources: {},
    });
  await speak(language);
}

let latest: Language | null = null;

/** Changes the language of the page; `isChosen` keeps it for the next visit. Rejects where its words do not come. */
export async function speak(language: Language, isChosen = false): Promise<void> {
  latest = language;
  const { catalogue } = await CATALOGUES[language]();
  // Another one has been chosen while this one came.
  if (latest !== language) return;
  for (const [namespace, words] of Object.entries(catalogue)) i18next.addResourceBundle(language, namespace, words);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  if (isChosen) keep(KEPT, language);
}
