import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Playback, Replay } from '@/live/replay';
import type { AgentCard } from '@/protocol/types';
import styles from './ReplayBar.module.css';
import { clockTime, doingWords } from './replayWords';

interface ReplayScrubberProps {
  readonly replay: Replay;
  readonly playback: Playback;
  readonly agents: readonly AgentCard[];
}

const ARROW_MS = 1_000;
/** While it plays, a screen reader on the scrubber hears where it is so often, and not at every frame. */
const SAID_MS = 3_000;

/** The whole time of the log; its thumb is the moment shown. */
export function ReplayScrubber({ replay, playback, agents }: ReplayScrubberProps) {
  const { t } = useTranslation(['trace', 'common']);
  const { atMs, durationMs, position, isPlaying } = playback;
  const words = t('trace:replay.at', {
    at: clockTime(atMs, durationMs),
    of: clockTime(durationMs, durationMs),
    doing: doingWords(t, replay.events()[position - 1], agents),
  });
  const said = useSaid(words, isPlaying);
  const jump = (event: KeyboardEvent) => {
    const act = keyActions(replay, playback)[event.key];
    if (act === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act();
  };
  return (
    <input
      type="range"
      className={styles['scrubber']}
      min={0}
      // A log of no length has one moment only, and a scrubber must have two ends.
      max={Math.max(1, durationMs)}
      step="any"
      value={durationMs === 0 ? 1 : atMs}
      aria-label={t('trace:replay.scrubber')}
      aria-valuetext={said}
      onChange={(event) => replay.seekTime(Number(event.target.value))}
      onKeyDown={jump}
    />
  );
}

function keyActions(replay: Replay, { atMs, durationMs }: Playback): Partial<Record<string, () => void>> {
  const back = () => replay.seekTime(atMs - ARROW_MS);
  const on = () => replay.seekTime(atMs + ARROW_MS);
  return {
    ArrowLeft: back,
    ArrowDown: back,
    ArrowRight: on,
    ArrowUp: on,
    PageUp: () => replay.step('next'),
    PageDown: () => replay.step('previous'),
    Home: () => replay.seekTime(0),
    End: () => replay.seekTime(durationMs),
  };
}

function useSaid(words: string, isPlaying: boolean): string {
  const latest = useRef(words);
  const [said, say] = useState(words);
  useEffect(() => {
    latest.current = words;
  }, [words]);
  useEffect(() => {
    if (!isPlaying) return undefined;
    const timer = setInterval(() => say(latest.current), SAID_MS);
    return () => clearInterval(timer);
  }, [isPlaying]);
  return isPlaying ? said : words;
}
