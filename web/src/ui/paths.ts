/** Where the pages are. */
export const paths = {
  ask: '/',
  deliberation: (id: string) => `/d/${encodeURIComponent(id)}`,
  history: '/history',
  compare: (a: string, b: string) => `/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`,
  councils: '/councils',
} as const;
