import type { CSSProperties } from 'react';
import type { Role } from '@/protocol/types';
import { agentLook } from '@/ui/agents';
import { Icon } from '@/ui/Icon';
import styles from './councils.module.css';

interface AgentMarkProps {
  readonly agentId: string;
  readonly role: Role;
  readonly index: number;
  readonly size?: string;
}

/** An agent's form in its colour; its name stands beside it. */
export function AgentMark({ agentId, role, index, size = '1.25em' }: AgentMarkProps) {
  const { icon, colour } = agentLook(agentId, role, index);
  return (
    <span className={styles['agentMark']} style={{ '--agent': colour } as CSSProperties}>
      <Icon name={icon} size={size} />
    </span>
  );
}
