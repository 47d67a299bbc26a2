import { useId, type CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import type { AgentCard } from '@/protocol/types';
import { agentLook } from '@/ui/agents';
import { causeWords } from '@/ui/causes';
import { Icon } from '@/ui/Icon';
import type { LogClock } from './clock';
import { useContact } from './contact';
import styles from './Lane.module.css';
import { LaneBody } from './LaneBody';
import { LaneHead } from './LaneHead';
import { useLaneFacts, type LaneFacts } from './laneFacts';
import { knownPhase, phaseOf, textPhase } from './laneWords';
import { VoteCard } from './VoteCard';

interface LaneProps {
  readonly source: LiveDeliberation;
  readonly clock: LogClock;
  readonly card: AgentCard;
  /** Its place among the sages. */
  readonly index: number;
}

/** A sage: its stream, and its vote when it falls. */
export function Lane({ source, clock, card, index }: LaneProps) {
  const id = useId();
  const facts = useLaneFacts(source, card.agentId);
  const isOver = useSelected(source, ({ state }) => state.status !== 'running' && state.status !== 'empty');
  const look = agentLook(card.agentId, card.role, index);
  const contact = useContact(source);
  const phase = phaseOf(facts, card.role, false, isOver);
  return (
    <article
      className={styles['lane']}
      aria-labelledby={id}
      data-agent={card.agentId}
      style={{ '--agent': look.colour } as CSSProperties}
    >
      <LaneHead {...{ id, source, clock, card, look, facts }} phase={knownPhase(phase, contact)} level={3} />
      <LaneBody
        {...{ source, facts }}
        phase={textPhase(phase, contact)}
        agentId={card.agentId}
        name={card.name}
        level={3}
      />
      <LaneEnd facts={facts} name={card.name} />
    </article>
  );
}

function LaneEnd({ facts, name }: { readonly facts: LaneFacts; readonly name: string }) {
  const { t } = useTranslation(['deliberation', 'common']);
  const { decision, confidence, reasoning, cause, status } = facts;
  return (
    <>
      {decision !== null && (
        <VoteCard name={name} decision={decision} confidence={confidence} reasoning={reasoning ?? ''} />
      )}
      {cause !== null && (status === 'failed' || status === 'abstained') && (
        <p className={styles['cause']} data-status={status}>
          <Icon name="warning" />
          <span>{causeWords(t, cause)}</span>
        </p>
      )}
    </>
  );
}
