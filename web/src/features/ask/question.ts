/** What is about to be asked, before it is a request: its bounds, and what makes two askings the same. */
import type { StartRequest } from '@/protocol/types';
import { characters, isVisible } from '@/ui/characters';

/** As in src/magisystem/protocol/requests.py. */
export const QUESTION_CHARS = 32_000;
export const CRITERION_CHARS = 16_000;
/** From this share of the bound on, the page counts aloud. */
const NEAR = 0.9;

export interface Draft {
  readonly question: string;
  readonly approveIf: string;
  readonly rejectIf: string;
}

export const EMPTY: Draft = { question: '', approveIf: '', rejectIf: '' };

export type DraftField = keyof Draft;
export type DraftFault = 'empty' | 'tooLong';

export function boundOf(field: DraftField): number {
  return field === 'question' ? QUESTION_CHARS : CRITERION_CHARS;
}

/** How many characters are left, where that is worth saying. Negative: so many too many. */
export function leftOf(field: DraftField, text: string): number | null {
  const most = boundOf(field);
  // No text has more code points than units, so most texts need no counting.
  if (text.length < most * NEAR) return null;
  const n = characters(text);
  return n < most * NEAR ? null : most - n;
}

export function faultsOf(draft: Draft): Partial<Record<DraftField, DraftFault>> {
  const faults: Partial<Record<DraftField, DraftFault>> = {};
  for (const field of ['question', 'approveIf', 'rejectIf'] as const)
    if ((leftOf(field, draft[field].trim()) ?? 0) < 0) faults[field] = 'tooLong';
  if (!isVisible(draft.question)) faults.question = 'empty';
  return faults;
}

/** No language is sent: each turn of a conversation is answered in the language of its own question. */
export function requestOf(draft: Draft, council: string): StartRequest {
  const approveIf = draft.approveIf.trim();
  const rejectIf = draft.rejectIf.trim();
  return {
    question: draft.question.trim(),
    council,
    ...((approveIf !== '' || rejectIf !== '') && { criteria: { approveIf, rejectIf } }),
  };
}

/** The key under which a request was sent. The same request keeps it until an answer has come. */
export interface Sent {
  readonly request: string;
  readonly key: string;
}

export function sentAs(request: StartRequest, before: Sent | null, newKey: () => string): Sent {
  const text = JSON.stringify(request);
  return before?.request === text ? before : { request: text, key: newKey() };
}

/** `crypto.randomUUID` is missing where the page is not served from a secure origin. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The field of this page that a path of the server's answer means; null where it means none. */
export function fieldOf(path: string | undefined): DraftField | 'council' | null {
  switch (path) {
    case 'question':
      return 'question';
    case 'criteria.approveIf':
      return 'approveIf';
    case 'criteria.rejectIf':
      return 'rejectIf';
    default:
      // A fault in an agent, such as a model that cannot be used, is mended by another council.
      return path !== undefined && /^(council|agents)(\.|$)/.test(path) ? 'council' : null;
  }
}
