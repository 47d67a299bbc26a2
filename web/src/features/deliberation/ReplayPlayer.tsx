import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { LiveDeliberation } from '@/live/live';
import { Replay, type Playback } from '@/live/replay';
import type { AgentCard } from '@/protocol/types';
import { useAnnounce } from '@/ui/Announcer';
import { Button } from '@/ui/Button';
import { Notice } from '@/ui/Notice';
import styles from './ReplayBar.module.css';
import { ReplayControls } from './ReplayControls';
import { ReplayMoments } from './ReplayMoments';
import type { ReplayPosition } from './replayPosition';
import { ReplayScrubber } from './ReplayScrubber';
import { ReplayStatus } from './ReplayStatus';
import { ReplayTrack } from './ReplayTrack';
import { trackOf } from './replayTrack';

interface ReplayPlayerProps {
  readonly live: LiveDeliberation;
  readonly isOver: boolean;
  readonly address: ReplayPosition;
  readonly onSource: (source: LiveDeliberation) => void;
}

/** Browsers refuse an address that changes more often than a few times a second. */
const ADDRESS_MS = 300;

export function ReplayPlayer({ live, isOver, address, onSource }: ReplayPlayerProps) {
  const { t } = useTranslation('trace');
  const replay = useReplay(live, address.seq);
  const playback = usePlayback(replay);
  const isAtEnd = playback.position === playback.total && !playback.isPlaying;
  // Of a running deliberation only a moment that was asked for is shown; of a finished one whatever is not its end.
  const source = (isOver ? isAtEnd : address.seq === null) ? live : replay;
  useShown(source, live, onSource);
  useAddress(address, replay, playback, isOver && isAtEnd, !isOver);
  useToldOnce(source === replay && !playback.isPlaying, playback);
  if (!isOver) {
    return (
      <div className={styles['notice']}>
        <Notice
          kind="info"
          title={t('replay.moment_of_running', { n: playback.position, m: playback.total })}
          actions={
            <Button small icon="end" onClick={() => address.write(null)}>
              {t('replay.toNow')}
            </Button>
          }
        />
      </div>
    );
  }
  return <Bar replay={replay} playback={playback} address={address} isReplaying={source === replay} />;
}

interface BarProps {
  readonly replay: Replay;
  readonly playback: Playback;
  readonly address: ReplayPosition;
  readonly isReplaying: boolean;
}

function Bar({ replay, playback, address, isReplaying }: BarProps) {
  const { t } = useTranslation('trace');
  const events = replay.events();
  const track = useMemo(() => trackOf(events), [events]);
  const agents = agentsOf(replay);
  const moments = replay.moments();
  const current = moments.findLast(({ seq }) => seq <= playback.position)?.seq ?? null;
  const seek = useCallback(
    (seq: number) => {
      replay.pause();
      replay.seek(seq);
    },
    [replay],
  );
  const toggle = (event: KeyboardEvent) => {
    // A button under the focus has its own answer to the space bar.
    if (event.key !== ' ' || (event.target as HTMLElement).closest('button, summary, a') !== null) return;
    event.preventDefault();
    if (playback.isPlaying) replay.pause();
    else replay.play();
  };
  return (
    <section className={styles['bar']} aria-label={t('replay.label')} onKeyDown={toggle}>
      <ReplayControls replay={replay} playback={playback} routing={address.routing} isReplaying={isReplaying} />
      <div className={styles['track']}>
        <ReplayTrack track={track} />
        <ReplayScrubber replay={replay} playback={playback} agents={agents} />
      </div>
      <div className={styles['foot']}>
        <ReplayStatus playback={playback} isReplaying={isReplaying} />
        <ReplayMoments
          moments={moments}
          agents={agents}
          durationMs={playback.durationMs}
          currentSeq={current}
          onSeek={seek}
        />
      </div>
    </section>
  );
}

const NOBODY: readonly AgentCard[] = [];

function agentsOf(replay: Replay): readonly AgentCard[] {
  const first = replay.events()[0];
  return first?.type === 'start' ? first.council.agents : NOBODY;
}

function useReplay(live: LiveDeliberation, asked: number | null): Replay {
  const [replay] = useState(() => {
    const made = new Replay(live.id, live.snapshot().events);
    if (asked !== null) made.seek(asked);
    return made;
  });
  useEffect(() => {
    replay.take(live.snapshot().events);
    return live.subscribe(() => replay.take(live.snapshot().events));
  }, [live, replay]);
  return replay;
}

function usePlayback(replay: Replay): Playback {
  const subscribe = useCallback((listener: () => void) => replay.subscribe(listener), [replay]);
  return useSyncExternalStore(subscribe, () => replay.playback());
}

function useShown(source: LiveDeliberation, live: LiveDeliberation, onSource: (source: LiveDeliberation) => void) {
  const tell = useRef(onSource);
  useEffect(() => {
    tell.current = onSource;
  }, [onSource]);
  useEffect(() => tell.current(source), [source]);
  useEffect(() => () => tell.current(live), [live]);
}

/** Keeps the address on the moment shown, and goes where it leads when somebody else changes it. */
function useAddress(
  address: ReplayPosition,
  replay: Replay,
  { position, isPlaying }: Playback,
  isAtEnd: boolean,
  isRunning: boolean,
) {
  const { seq, write } = address;
  const written = useRef(seq);
  useEffect(() => {
    if (seq === written.current) return;
    written.current = seq;
    if (seq === null) {
      replay.toEnd();
    } else {
      replay.pause();
      replay.seek(seq);
    }
  }, [seq, replay]);
  const shown = isAtEnd ? null : position;
  useEffect(() => {
    if (isPlaying || isRunning) return undefined;
    const timer = setTimeout(() => {
      written.current = shown;
      write(shown);
    }, ADDRESS_MS);
    return () => clearTimeout(timer);
  }, [shown, isPlaying, isRunning, write]);
}

/** Says to a screen reader, on arriving at a moment by a link, that this is not the end. */
function useToldOnce(isMoment: boolean, { position, total }: Playback) {
  const { t } = useTranslation('trace');
  const announce = useAnnounce();
  const words = t('replay.moment_of', { n: position, m: total });
  const arrived = useRef(isMoment ? words : null);
  useEffect(() => {
    if (arrived.current !== null) announce(arrived.current);
    arrived.current = null;
  }, [announce]);
}
