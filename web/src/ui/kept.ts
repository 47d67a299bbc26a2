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
