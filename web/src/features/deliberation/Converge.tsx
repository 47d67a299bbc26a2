import { useSelected } from '@/live/backend';
import type { LiveDeliberation } from '@/live/live';
import type { AgentCard } from '@/protocol/types';
import { agentLook } from '@/ui/agents';
import styles from './Judge.module.css';
import { useLaneFacts } from './laneFacts';

/** The sages' lines, which come together in the judge; a line is whole once its sage has voted. */
export function Converge({
  source,
  sages,
}: {
  readonly source: LiveDeliberation;
  readonly sages: readonly AgentCard[];
}) {
  return (
    <svg className={styles['converge']} viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">
      {sages.map((card, index) => (
        <Line key={card.agentId} source={source} card={card} index={index} count={sages.length} />
      ))}
    </svg>
  );
}

interface LineProps {
  readonly source: LiveDeliberation;
  readonly card: AgentCard;
  readonly index: number;
  readonly count: number;
}

function Line({ source, card, index, count }: LineProps) {
  const { decision } = useLaneFacts(source, card.agentId);
  const isOver = useSelected(source, ({ state }) => state.complete != null);
  const x = ((index + 0.5) * 100) / count;
  return (
    <path
      d={`M${x} 0C${x} 26 50 12 50 40`}
      stroke={agentLook(card.agentId, card.role, index).colour}
      vectorEffect="non-scaling-stroke"
      data-state={decision !== null ? 'voted' : isOver ? 'missing' : 'open'}
    />
  );
}
