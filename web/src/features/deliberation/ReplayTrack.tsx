import { memo, type CSSProperties } from 'react';
import type { MomentKind } from '@/live/replayMoments';
import { agentLook } from '@/ui/agents';
import { classes } from '@/ui/classes';
import { Icon, type IconName } from '@/ui/Icon';
import styles from './ReplayBar.module.css';
import type { Track, TrackRow } from './replayTrack';

/** What a lane's moment is drawn as; its own form where that says enough. */
const MARKS: Partial<Record<MomentKind, IconName>> = { again: 'retry', failure: 'reject', abstention: 'abstain' };

/** The agents' work over time, behind the scrubber. A picture only: the list of moments says the same in words. */
export const ReplayTrack = memo(function ReplayTrack({ track }: { readonly track: Track }) {
  return (
    <div className={classes(styles['rows'], track.rows.length > 5 && styles['dense'])} aria-hidden="true">
      {track.rows.map((row, index) => (
        <Row key={row.agent.agentId} row={row} index={index} />
      ))}
      {track.general.map(({ at, moment }) => (
        <span key={moment.seq} className={styles['general']} style={place({ '--at': at })} />
      ))}
    </div>
  );
});

function Row({ row, index }: { readonly row: TrackRow; readonly index: number }) {
  const { icon, colour } = agentLook(row.agent.agentId, row.agent.role, index);
  return (
    <span className={styles['row']} style={place({ '--agent': colour })}>
      {row.stretches.map(({ from, to, isVoid }) => (
        <span
          key={from}
          className={classes(styles['stretch'], isVoid && styles['void'])}
          style={place({ '--from': from, '--to': to })}
        />
      ))}
      {row.marks.map(({ at, moment }) => (
        <span key={moment.seq} className={styles['mark']} style={place({ '--at': at })}>
          <Icon name={MARKS[moment.kind] ?? icon} size="0.75rem" />
        </span>
      ))}
    </span>
  );
}

function place(properties: Readonly<Record<`--${string}`, string | number>>): CSSProperties {
  return properties;
}
