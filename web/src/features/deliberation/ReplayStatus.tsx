import { useTranslation } from 'react-i18next';
import type { Playback } from '@/live/replay';
import { classes } from '@/ui/classes';
import { useFormats } from '@/ui/format';
import { Icon } from '@/ui/Icon';
import styles from './ReplayBar.module.css';

interface ReplayStatusProps {
  readonly playback: Playback;
  readonly isReplaying: boolean;
}

/** That this is not the end, where it is not; and that nothing moves because nothing moved. */
export function ReplayStatus({ playback, isReplaying }: ReplayStatusProps) {
  const { t } = useTranslation('trace');
  const formats = useFormats();
  const { position, total, silence, atMs, isPlaying } = playback;
  const numbers = { n: position, m: total };
  return (
    <p className={classes(styles['status'], isReplaying && styles['replaying'])}>
      {isReplaying && <Icon name={silence !== null && isPlaying ? 'clock' : 'info'} />}
      {silence !== null && isPlaying
        ? t('replay.silence', {
            whole: formats.duration(silence.toMs - silence.fromMs),
            left: formats.duration(silence.toMs - atMs),
          })
        : t(isReplaying ? 'replay.moment_of' : 'replay.end_of', numbers)}
    </p>
  );
}
