export type DownloadType = 'text/markdown' | 'application/json' | 'application/x-ndjson';

/** Gives a text to the browser to keep as a file. */
export function download(name: string, type: DownloadType, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // Revoked at once, it can be gone before the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
