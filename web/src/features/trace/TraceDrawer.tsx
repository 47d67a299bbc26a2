import type { LiveDeliberation } from '@/live/live';

interface TraceDrawerProps {
  readonly live: LiveDeliberation;
  readonly onClose: () => void;
}

export function TraceDrawer({ live }: TraceDrawerProps) {
  return <aside>{live.id}</aside>;
}
