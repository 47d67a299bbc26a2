import { useTranslation } from 'react-i18next';
import { SPEEDS, type Playback, type Replay } from '@/live/replay';
import { Button, IconButton } from '@/ui/Button';
import { classes } from '@/ui/classes';
import { copyText } from '@/ui/copy';
import { useToast } from '@/ui/Toasts';
import styles from './ReplayBar.module.css';
import { withSeq, type Routing } from './replayPosition';
import { clockTime } from './replayWords';

interface ReplayControlsProps {
  readonly replay: Replay;
  readonly playback: Playback;
  readonly routing: Routing;
  readonly isReplaying: boolean;
}

export function ReplayControls({ replay, playback, routing, isReplaying }: ReplayControlsProps) {
  const { t } = useTranslation('trace');
  const { isPlaying, atMs, durationMs } = playback;
  return (
    <div className={styles['controls']}>
      <div className={styles['group']}>
        <IconButton icon="start" label={t('replay.previous')} small onClick={() => replay.step('previous')} />
        <Button
          small
          icon={isPlaying ? 'pause' : 'play'}
          className={styles['play']}
          onClick={() => (isPlaying ? replay.pause() : replay.play())}
        >
          {t(isPlaying ? 'replay.pause' : 'replay.play')}
        </Button>
        <IconButton icon="end" label={t('replay.next')} small onClick={() => replay.step('next')} />
      </div>
      <Speeds replay={replay} playback={playback} />
      <span className={styles['clock']}>
        <span className={styles['now']}>{clockTime(atMs, durationMs)}</span> / {clockTime(durationMs, durationMs)}
      </span>
      <div className={classes(styles['group'], styles['far'])}>
        <Button kind="quiet" small aria-disabled={!isReplaying} onClick={() => replay.toEnd()}>
          {t('replay.toEnd')}
        </Button>
        <CopyLink position={playback.position} routing={routing} />
      </div>
    </div>
  );
}

function Speeds({ replay, playback }: { readonly replay: Replay; readonly playback: Playback }) {
  const { t } = useTranslation('trace');
  return (
    <div className={styles['speeds']} role="group" aria-label={t('replay.speed')}>
      {SPEEDS.map((speed) => (
        <button
          key={speed}
          type="button"
          className={styles['speed']}
          aria-pressed={playback.speed === speed}
          aria-label={t('replay.times', { n: speed })}
          onClick={() => replay.setSpeed(speed)}
        >
          ×{speed}
        </button>
      ))}
    </div>
  );
}

function CopyLink({ position, routing }: { readonly position: number; readonly routing: Routing }) {
  const { t } = useTranslation('trace');
  const toast = useToast();
  const copy = () => {
    const link = withSeq(location.href, position, routing);
    copyText(link).then(
      () => toast({ text: t('replay.copied', { n: position }) }),
      () => toast({ text: t('copyFailed') }),
    );
  };
  return (
    <Button kind="quiet" small icon="link" onClick={copy}>
      {t('replay.copy')}
    </Button>
  );
}
