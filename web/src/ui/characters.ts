/** Counts as the server does, by code points. */
export function characters(text: string): number {
  let n = text.length;
  for (let at = 0; at < text.length; at += 1) if ((text.codePointAt(at) ?? 0) > 0xffff) n -= 1;
  return n;
}

/** Whether something is there that can be seen: neither space nor control nor format character. */
export function isVisible(text: string): boolean {
  return /[^\s\p{C}\p{Z}]/u.test(text);
}
