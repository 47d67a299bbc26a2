/** What this page keeps in the browser: the draft in this tab, the council for the next visit. */
import { EMPTY, type Draft, type Sent } from './question';

const DRAFT = 'magi.ask.draft';
const SENT = 'magi.ask.sent';
const COUNCIL = 'magi.ask.council';

/** Storage can be forbidden or full; then the page works without it. */
function quietly<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

function texts(stored: string | null): Readonly<Record<string, string>> {
  const value: unknown = stored === null ? null : JSON.parse(stored);
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export function keptDraft(): Draft {
  return quietly(() => {
    const { question = '', approveIf = '', rejectIf = '' } = texts(sessionStorage.getItem(DRAFT));
    return { question, approveIf, rejectIf };
  }, EMPTY);
}

export function keepDraft(draft: Draft): void {
  quietly(() => sessionStorage.setItem(DRAFT, JSON.stringify(draft)), undefined);
}

/** Where the draft was sent, the key it went under: a reload must not run it twice either. */
export function keptSent(): Sent | null {
  return quietly(() => {
    const { request, key } = texts(sessionStorage.getItem(SENT));
    return request === undefined || key === undefined ? null : { request, key };
  }, null);
}

export function keepSent(sent: Sent | null): void {
  quietly(() => {
    if (sent === null) sessionStorage.removeItem(SENT);
    else sessionStorage.setItem(SENT, JSON.stringify(sent));
  }, undefined);
}

export function keptCouncil(backend: string): string | null {
  return quietly(() => localStorage.getItem(`${COUNCIL}.${backend}`), null);
}

export function keepCouncil(backend: string, id: string): void {
  quietly(() => localStorage.setItem(`${COUNCIL}.${backend}`, id), undefined);
}
