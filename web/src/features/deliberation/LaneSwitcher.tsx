import { useRef, type CSSProperties, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import type { AgentCard, Decision } from '@/protocol/types';
import { agentLook } from '@/ui/agents';
import { classes } from '@/ui/classes';
import { Icon, type IconName } from '@/ui/Icon';
import { useContact } from './contact';
import laneStyles from './Lane.module.css';
import styles from './Lanes.module.css';
import { useLaneFacts } from './laneFacts';
import { isSpeaking, knownPhase, phaseOf } from './laneWords';

interface LaneSwitcherProps {
  readonly id: string;
  readonly source: LiveDeliberation;
  readonly sages: readonly AgentCard[];
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
}

/** Tabs, one a lane, each with its lane's state or vote. */
export function LaneSwitcher({ id, source, sages, chosen, onChoose }: LaneSwitcherProps) {
  const { t } = useTranslation('deliberation');
  const list = useRef<HTMLDivElement>(null);
  const go = (event: KeyboardEvent) => {
    const next = placeAfter(event.key, chosen, sages.length);
    if (next === null) return;
    event.preventDefault();
    onChoose(next);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <div ref={list} className={styles['tabs']} role="tablist" aria-label={t('lanes.switch')} onKeyDown={go}>
      {sages.map((card, index) => (
        <LaneTab
          key={card.agentId}
          {...{ id, source, card, index }}
          isChosen={index === chosen}
          onChoose={() => onChoose(index)}
        />
      ))}
    </div>
  );
}

/** Where a key of the tabs leads; null for a key that is none of theirs. */
export function placeAfter(key: string, at: number, count: number): number | null {
  if (key === 'ArrowRight') return (at + 1) % count;
  if (key === 'ArrowLeft') return (at + count - 1) % count;
  if (key === 'Home') return 0;
  return key === 'End' ? count - 1 : null;
}

interface LaneTabProps {
  readonly id: string;
  readonly source: LiveDeliberation;
  readonly card: AgentCard;
  readonly index: number;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

const VOTES: Record<Decision, IconName> = { APPROVED: 'approve', REJECTED: 'reject', ABSTAINED: 'abstain' };

function LaneTab({ id, source, card, index, isChosen, onChoose }: LaneTabProps) {
  const { t } = useTranslation(['deliberation', 'common']);
  const facts = useLaneFacts(source, card.agentId);
  const isOver = useSelected(source, ({ state }) => state.status !== 'running' && state.status !== 'empty');
  const look = agentLook(card.agentId, card.role, index);
  const contact = useContact(source);
  const phase = knownPhase(phaseOf(facts, card.role, false, isOver), contact);
  const { decision } = facts;
  return (
    <button
      type="button"
      role="tab"
      id={`${id}-tab-${index}`}
      aria-controls={`${id}-panel-${index}`}
      aria-selected={isChosen}
      tabIndex={isChosen ? 0 : -1}
      className={styles['tab']}
      style={{ '--agent': look.colour } as CSSProperties}
      onClick={onChoose}
    >
      <span className={styles['tabName']}>
        <Icon name={look.icon} />
        {card.name}
      </span>
      <span className={styles['tabState']} data-decision={decision ?? undefined} data-phase={phase}>
        {decision !== null && <Icon name={VOTES[decision]} />}
        {decision === null && (
          <span
            className={classes(laneStyles['dot'], isSpeaking(phase) && laneStyles['speaking'])}
            aria-hidden="true"
          />
        )}
        {decision === null ? t(`lane.phase.${phase}`) : t(`common:decision.${decision}`)}
      </span>
    </button>
  );
}
