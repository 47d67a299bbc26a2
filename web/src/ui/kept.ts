/** What the browser keeps for the next visit. Where storage is forbidden, nothing is kept and nothing fails. */

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(`magi.${name}`);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`magi.${name}`, value);
  } catch {
    // It is asked for again at the next visit.
  }
}

/** As `kept`, for this tab only and no longer than it lives. */
export function keptInTab(name: string): string | null {
  try {
    return sessionStorage.getItem(`magi.${name}`);
  } catch {
    return null;
  }
}

/** `null` lets go of it. */
export function keepInTab(name: string, value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(`magi.${name}`);
    else sessionStorage.setItem(`magi.${name}`, value);
  } catch {
    // What is written stays on the page.
  }
}
