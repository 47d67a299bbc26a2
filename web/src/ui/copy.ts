/** Copies text to the clipboard. Rejects where the browser does not let the page do it. */
export async function copyText(text: string): Promise<void> {
  // Typed as always there, which it is not on a page served by plain HTTP from another machine.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard !== undefined) return clipboard.writeText(text);
  if (!copiedBySelection(text)) throw new Error('the browser does not let the page copy');
}

/** The way before the clipboard had an interface of its own. */
function copiedBySelection(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  try {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way without a secure context
    return document.execCommand('copy');
  } finally {
    area.remove();
    if (before instanceof HTMLElement) before.focus();
  }
}
