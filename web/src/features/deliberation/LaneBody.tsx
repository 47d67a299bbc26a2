import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation, Snapshot } from '@/live/live';
import { Replay } from '@/live/replay';
import { Button } from '@/ui/Button';
import { useFormats } from '@/ui/format';
import { Markdown } from '@/ui/Markdown';
import styles from './Lane.module.css';
import type { LaneFacts } from './laneFacts';
import { isSpeaking, type Phase } from './laneWords';
import { useFollow } from './useFollow';

interface LaneBodyProps {
  readonly source: LiveDeliberation;
  readonly agentId: string;
  readonly name: string;
  readonly facts: LaneFacts;
  readonly phase: Phase;
  /** The level of the lane's heading. */
  readonly level: 2 | 3;
}

/** What a lane thinks and says; it scrolls in itself, and keeps its end in view while that grows. */
export function LaneBody({ source, agentId, name, facts, phase, level }: LaneBodyProps) {
  const { t } = useTranslation('deliberation');
  const isStreaming = isSpeaking(phase);
  const { scroller, content, isBehind, toEnd } = useFollow(isStreaming, useSaidMs(source, agentId));
  const isSilent = facts.status !== null && !facts.hasText && !facts.hasThinking;
  return (
    <div className={styles['body']}>
      <div
        ref={scroller}
        className={styles['scroller']}
        role="log"
        // Letters as they come would drown a screen reader; what matters is announced (announcements.ts).
        aria-live="off"
        aria-label={t('lanes.text', { name })}
        tabIndex={0}
      >
        <div ref={content} className={styles['content']}>
          {facts.hasThinking && <Thoughts source={source} agentId={agentId} isStreaming={isStreaming} level={level} />}
          {facts.hasText && <Statement source={source} agentId={agentId} isStreaming={isStreaming} level={level} />}
          {isSilent && <p className={styles['silent']}>{t('lane.nothing')}</p>}
          {isStreaming && !facts.hasText && !facts.hasThinking && <Expected />}
        </div>
      </div>
      {isBehind && isStreaming && (
        <Button small icon="down" className={styles['toEnd']} onClick={toEnd}>
          {t('lanes.end')}
        </Button>
      )}
    </div>
  );
}

/** How long the lane has spoken by the log; nothing in a replay, which is watched whatever its speed. */
function useSaidMs(source: LiveDeliberation, agentId: string): () => number {
  return useCallback(() => {
    if (source instanceof Replay) return 0;
    const time = source.snapshot().times[agentId];
    return time === undefined ? 0 : (time.endedAt ?? time.lastTextAt ?? time.startedAt) - time.startedAt;
  }, [source, agentId]);
}

interface TextProps {
  readonly source: LiveDeliberation;
  readonly agentId: string;
  readonly isStreaming: boolean;
  readonly level: 2 | 3;
}

function Statement({ source, agentId, isStreaming, level }: TextProps) {
  const text = useSelected(source, (snapshot) => laneOf(snapshot, agentId)?.text ?? '');
  return <Markdown text={text} under={level} isStreaming={isStreaming} />;
}

function Thoughts({ source, agentId, isStreaming, level }: TextProps) {
  const { t } = useTranslation('deliberation');
  const formats = useFormats();
  const [isOpen, setOpen] = useState(false);
  // In steps, or the figure would flicker.
  const chars = useSelected(source, (snapshot) =>
    roughly(laneOf(snapshot, agentId)?.thinking.length ?? 0, isStreaming),
  );
  return (
    <details className={styles['thoughts']} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t('lane.thoughts', { n: formats.count(chars) })}</summary>
      {isOpen && <ThoughtText source={source} agentId={agentId} isStreaming={isStreaming} level={level} />}
    </details>
  );
}

function ThoughtText({ source, agentId, isStreaming, level }: TextProps) {
  const text = useSelected(source, (snapshot) => laneOf(snapshot, agentId)?.thinking ?? '');
  return <Markdown text={text} under={level} isStreaming={isStreaming} />;
}

function roughly(chars: number, isStreaming: boolean): number {
  return isStreaming ? Math.ceil(chars / 50) * 50 : chars;
}

/** Three lines where words will stand. */
function Expected() {
  return (
    <div className={styles['expected']} aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  );
}

function laneOf({ state }: Snapshot, agentId: string) {
  return state.lanes.find((lane) => lane.agentId === agentId);
}
