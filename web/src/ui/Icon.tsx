/** Line marks on a grid of 24, drawn for this client; always beside a word or an accessible name. */
const PATHS = {
  approve: 'M5 12.5 10 17.5 19.5 7',
  reject: 'M6.5 6.5 17.5 17.5M17.5 6.5 6.5 17.5',
  abstain: 'M5.5 12h13',
  stop: 'M7 7h10v10H7z',
  play: 'M8 5.5v13l10.5-6.5z',
  pause: 'M8.5 6v12M15.5 6v12',
  end: 'M6 5.5v13l9-6.5zM18 6v12',
  start: 'M18 5.5v13L9 12zM6 6v12',
  close: 'M6 6 18 18M18 6 6 18',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5 20 20',
  edit: 'M4.5 19.5l1-4L16 5l3 3L8.5 18.5zM13.5 7.5l3 3',
  delete: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5',
  download: 'M12 4v11M7.5 11 12 15.5 16.5 11M5 19.5h14',
  upload: 'M12 15.5v-11M7.5 8.5 12 4l4.5 4.5M5 19.5h14',
  copy: 'M9 9h10v10.5H9zM15 9V4.5H5V15h4',
  link: 'M10 14.5a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 9.5a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1',
  compare: 'M12 4v16M4.5 7h4.5v10H4.5zM15 7h4.5v10H15z',
  trace: 'M4 7h7M8 12h9M13 17h7',
  warning: 'M12 4.5 21 19.5H3zM12 10.5v4M12 17h.01',
  info: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 11v5M12 8h.01',
  down: 'M6 9.5 12 15.5 18 9.5',
  up: 'M6 14.5 12 8.5 18 14.5',
  right: 'M9.5 6 15.5 12 9.5 18',
  plus: 'M12 5v14M5 12h14',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z',
  language: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM3.5 12h17M12 3.5c5 5 5 12 0 17M12 3.5c-5 5-5 12 0 17',
  retry: 'M19 12a7 7 0 1 1-2-5M19 3.5V8h-4.5',
  send: 'M4.5 12h14M13 6.5 18.5 12 13 17.5',
  clock: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 7.5V12l3 2',
  // One form an agent, so that colour is never all that tells them apart.
  caspar: 'M12 4.5 20.5 19h-17z',
  balthasar: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16Z',
  melchior: 'M5 5h14v14H5z',
  solomon: 'M12 3.5 19.5 7.75v8.5L12 20.5l-7.5-4.25v-8.5z',
  other: 'M12 4 20 12 12 20 4 12z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = '1.125em' }: { readonly name: IconName; readonly size?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
