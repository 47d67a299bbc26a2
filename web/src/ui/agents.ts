/** The form and colour of an agent's mark. Agents of other councils share one mark and take the sages' colours in turn. */
import type { Role } from '@/protocol/types';
import type { IconName } from './Icon';

const OWN = ['caspar', 'balthasar', 'melchior', 'solomon'] as const;
type Own = (typeof OWN)[number];

export interface AgentLook {
  readonly icon: IconName;
  /** A CSS colour: `var(--…)` of tokens.css. */
  readonly colour: string;
}

export function agentLook(agentId: string, role: Role, index: number): AgentLook {
  if ((OWN as readonly string[]).includes(agentId)) return { icon: agentId as Own, colour: `var(--${agentId})` };
  if (role === 'judge') return { icon: 'solomon', colour: 'var(--solomon)' };
  return { icon: 'other', colour: `var(--${OWN[index % 3] ?? 'other'})` };
}
