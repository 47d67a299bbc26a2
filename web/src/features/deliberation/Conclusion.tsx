import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import { Figures } from './Figures';
import styles from './Judge.module.css';
import { Notices } from './Notices';
import { Verdict } from './Verdict';

interface ConclusionProps {
  readonly source: LiveDeliberation;
  readonly live: LiveDeliberation;
}

/** The place that the page's header leads to. */
export const CONCLUSION_ID = 'conclusion';

/** What the deliberation came to; what limits that stands above it. */
export function Conclusion({ source, live }: ConclusionProps) {
  // A verdict and an end come once; while nothing of both is there, nothing here renders again.
  const state = useSelected(source, ({ state: now }) =>
    now.verdict != null || (now.status !== 'running' && now.status !== 'empty') ? now : null,
  );
  const verified = useSelected(live, (snapshot) => snapshot.verified);
  if (state === null) return null;
  return (
    <div id={CONCLUSION_ID} className={styles['conclusion']} tabIndex={-1}>
      <Notices state={state} verified={verified} />
      <Verdict state={state} />
      {state.complete != null && (
        <Figures complete={state.complete} verified={verified} isChat={state.complete.outcome === 'answered'} />
      )}
    </div>
  );
}
