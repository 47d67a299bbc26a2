/** Stable codes of the server, and its note on a model that is none, in the words of the page. */
import i18next, { type TFunction } from 'i18next';

type Words = TFunction<['deliberation', 'common']>;

/** A cause in words, its code beside it; the code alone where there are no words for it. */
export function causeWords(t: Words, code: string): string {
  const words = causeAlone(t, code);
  return words === code ? code : `${words} (${code})`;
}

/** A cause in words, or its code where there are none. */
export function causeAlone(t: Words, code: string): string {
  const key = `deliberation:cause.${code}`;
  // Only what looks like a code is looked up: a dot or colon would be read as a path in the catalogue.
  return /^[a-z_]+$/.test(code) && i18next.exists(key) ? String(t(key as never)) : code;
}

/** The embedded advisor's note. Others are shown as the server wrote them. */
const RULE_BASED = 'rule-based, no language model';

export function noteWords(t: Words, note: string): string {
  return note === RULE_BASED ? t('note.ruleBased') : note;
}
