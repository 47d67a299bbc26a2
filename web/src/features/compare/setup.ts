/** What the two were asked, and who was to answer: the conditions under which a difference means something. */
import type { DeliberationState, Mode, Rule } from '@/protocol/types';
import { isChat } from './alignment';

type Start = NonNullable<DeliberationState['start']>;

export type Condition = 'question' | 'mode' | 'council' | 'rule' | 'models';
export interface Change<T extends string = string> {
  readonly from: T;
  readonly to: T;
}
export interface ModelChange extends Change {
  /** The agents that changed so. */
  readonly names: readonly string[];
}

export interface SetupDifferences {
  readonly same: readonly Condition[];
  readonly mode: Change<Mode> | null;
  readonly council: Change | null;
  readonly rule: Change<Rule> | null;
  readonly models: readonly ModelChange[];
}

/** Null where a side has not begun. */
export function setupDifferences(a: DeliberationState, b: DeliberationState): SetupDifferences | null {
  const [left, right] = [a.start, b.start];
  if (left == null || right == null) return null;
  const mode = change(left.mode, right.mode);
  const council = change(left.council.id, right.council.id);
  // In a chat the rule of its council decides nothing.
  const haveRules = !isChat(a) && !isChat(b);
  const rule = haveRules ? change(left.council.rule, right.council.rule) : null;
  const models = modelChanges(left, right);
  const isSame: Readonly<Record<Condition, boolean>> = {
    question: left.question.trim() === right.question.trim(),
    mode: mode === null,
    council: council === null,
    rule: haveRules && rule === null,
    // Councils without a common agent have no model in common either, and none to compare.
    models: models?.length === 0,
  };
  const same = (Object.keys(isSame) as Condition[]).filter((condition) => isSame[condition]);
  return { same, mode, council, rule, models: models ?? [] };
}

function change<T extends string>(from: T, to: T): Change<T> | null {
  return from === to ? null : { from, to };
}

/** Agents that changed in the same way are one change; null where no agent is on both sides. */
function modelChanges(left: Start, right: Start): readonly ModelChange[] | null {
  const others = new Map(right.council.agents.map(({ agentId, model }) => [agentId, model]));
  const shared = left.council.agents.filter(({ agentId }) => others.has(agentId));
  if (shared.length === 0) return null;
  const changes = new Map<string, ModelChange>();
  for (const { agentId, name, model: from } of shared) {
    const to = others.get(agentId) ?? from;
    if (from === to) continue;
    const key = JSON.stringify([from, to]);
    changes.set(key, { from, to, names: [...(changes.get(key)?.names ?? []), name] });
  }
  return [...changes.values()];
}
