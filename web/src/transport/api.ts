/** What a page can ask of a backend, whatever its kind. Implementations: direct.ts, runtimes.ts (one path only). */
import type { CouncilRequest, Decision, DeliberationState, HistoryPage, Outcome, StartRequest } from '@/protocol/types';

/** A council as the server keeps it. `preset` ones cannot be changed; `updatedAt` (RFC 3339) is null for them. */
export interface Council extends CouncilRequest {
  readonly id: string;
  readonly preset: boolean;
  readonly updatedAt: string | null;
}

/** One way to name a model, and whether it works on this server. `reason` says why not, and what mends it. */
export interface ModelOffer {
  readonly prefix: string;
  readonly example: string;
  readonly note: string | null;
  readonly usable: boolean;
  readonly reason: string | null;
}

/** What the server can speak with: `default` has an agent's own model by its id, `otherwise` that of every other one. */
export interface ModelSurvey {
  readonly items: readonly ModelOffer[];
  readonly default: Readonly<Record<string, string>>;
  readonly otherwise: string;
}

/** What the list of the past is narrowed to. Empty and absent fields do not count. */
export interface HistoryQuery {
  readonly q?: string;
  readonly outcome?: Outcome;
  readonly decision?: Decision;
  readonly sessionId?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/**
 * The verbs of a backend.
 *
 * Each rejects with `ApiProblem` (the backend refused or could not; see `problem.code`) or `Unreachable` (nobody
 * answered, or what answered was no such server), and with the signal's reason when it is aborted.
 */
export interface Api {
  /** Starts a deliberation and gives its id. A repeat under the same key attaches to the first; it never runs twice. */
  start(request: StartRequest, idempotencyKey: string, signal?: AbortSignal): Promise<string>;
  state(id: string, signal?: AbortSignal): Promise<DeliberationState>;
  /** Resolves when the server has confirmed, with the state after it. */
  cancel(id: string): Promise<DeliberationState>;
  /** `keepalive` lets the request outlive the page. */
  forget(id: string, options?: { keepalive?: boolean }): Promise<void>;
  /** `null` takes the title away. */
  rename(id: string, title: string | null): Promise<void>;
  list(query: HistoryQuery, signal?: AbortSignal): Promise<HistoryPage>;
  councils(signal?: AbortSignal): Promise<readonly Council[]>;
  putCouncil(council: CouncilRequest & { id: string }): Promise<Council>;
  deleteCouncil(id: string): Promise<void>;
  models(signal?: AbortSignal): Promise<ModelSurvey>;
}

export { ApiProblem, Unreachable } from '@/protocol/failures';

/** What of a council may be put: the server has its own word on the rest, and refuses fields that it does not know. */
export function toPut({ name, rule, agents, limits }: CouncilRequest): CouncilRequest {
  return { ...(name !== undefined && { name }), ...(rule && { rule }), agents, ...(limits && { limits }) };
}
