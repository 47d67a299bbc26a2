/** Which language the page speaks, and how its catalogue comes. Only the one in use is loaded. */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { keep, kept } from '@/ui/kept';

export const LANGUAGES = ['en', 'ja'] as const;
export type Language = (typeof LANGUAGES)[number];

const KEPT = 'language';
const CATALOGUES = { en: () => import('./en'), ja: () => import('./ja') };

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
  await i18next.use(initReactI18next).init({
    fallbackLng: false,
    defaultNS: 'common',
    // React escapes what it renders.
    interpolation: { escapeValue: false },
    returnNull: false,
    resources: {},
  });
  await speak(language);
}

/** Changes the language of the page; `isChosen` keeps it for the next visit. */
export async function speak(language: Language, isChosen = false): Promise<void> {
  if (isChosen) keep(KEPT, language);
  const { catalogue } = await CATALOGUES[language]();
  for (const [namespace, words] of Object.entries(catalogue)) i18next.addResourceBundle(language, namespace, words);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
