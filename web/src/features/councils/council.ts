/** A council as this feature writes it, and what its fields may hold (src/magisystem/protocol/requests.py). */
import type { CouncilRequest, Rule, SeatRequest } from '@/protocol/types';
import type { Council } from '@/transport/api';

export const RULES = ['judge', 'majority', 'unanimous'] as const satisfies readonly Rule[];
export const LIMIT_NAMES = ['deliberationS', 'sageS', 'judgeS', 'silenceS'] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];
/** In seconds. What is absent is the server's. */
export type Limits = Readonly<Partial<Record<LimitName, number>>>;

export const BOUNDS = {
  name: 64,
  persona: 16_000,
  seats: 10,
  sages: 9,
  topK: 1_000,
  maxTokens: 128_000,
  limitS: 86_400,
  /** The largest body the server reads. */
  bytes: 1024 * 1024,
} as const;

/** A council given whole, with the fields that are not (yet) in the generated request. */
export interface WrittenCouncil extends Omit<CouncilRequest, 'id' | 'name' | 'rule' | 'limits'> {
  readonly id: string;
  readonly name?: string;
  readonly rule: Rule;
  readonly agents: readonly SeatRequest[];
  readonly limits?: Limits;
}

/** A council as the server lists it; what it leaves out has a default. */
export type Listed = Council & {
  readonly name?: string | null;
  readonly limits?: Partial<Record<LimitName, number | null>> | null;
};

export function councilName(council: Listed): string {
  return council.name ?? council.id;
}

/** The council without what only the server says of it and without empty fields: as it can be written back. */
export function written(council: Listed): WrittenCouncil {
  const { id, name, rule, agents } = council;
  const limits: Partial<Record<LimitName, number>> = {};
  for (const limit of LIMIT_NAMES) {
    const seconds = council.limits?.[limit];
    if (typeof seconds === 'number') limits[limit] = seconds;
  }
  return {
    id,
    ...(typeof name === 'string' && { name }),
    rule: rule ?? 'judge',
    agents: agents.map(writtenSeat),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

function writtenSeat({ agentId, name, role, systemPrompt, enabled, ...drawing }: SeatRequest): SeatRequest {
  const given = Object.fromEntries(Object.entries(drawing).filter(([, value]) => value !== null));
  return { agentId, name, role, systemPrompt, ...given, ...(enabled === false && { enabled }) };
}
