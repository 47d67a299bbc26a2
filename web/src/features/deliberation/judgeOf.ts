import type { Role } from '@/protocol/types';

interface Seat {
  readonly name: string;
  readonly role: Role;
  readonly enabled?: boolean;
}

/** What the council's judge is called; null where it has none. */
export function judgeOf(agents: readonly Seat[]): string | null {
  return agents.find(({ role, enabled }) => role === 'judge' && enabled !== false)?.name ?? null;
}
