/** The one reader of events. What a newer writer added, fields or whole types, is carried over as it stands. */
import type { Decision, EventType, LaneStatus, MagiEvent, Mode, Outcome, Role, Rule } from './types';

/** The text is not an event: no JSON object, or a field of a known type has the wrong form. */
export class MalformedEvent extends Error {
  override readonly name = 'MalformedEvent';
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number';
const isCount: Check = (value) => Number.isInteger(value);
const isFlag: Check = (value) => typeof value === 'boolean';
/** Words as keys, so that the compiler asks for all of them and for no other. */
const isOneOf =
  (words: Readonly<Record<string, true>>): Check =>
  (value) =>
    typeof value === 'string' && Object.hasOwn(words, value);
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasFields(checks: Readonly<Record<string, Check>>): Check {
  const all = Object.entries(checks);
  return (value) => isObject(value) && all.every(([name, check]) => check(value[name]));
}

const isDecision = isOneOf({ APPROVED: true, REJECTED: true, ABSTAINED: true } satisfies Record<Decision, true>);
const isMode = isOneOf({ deliberate: true, chat: true } satisfies Record<Mode, true>);
const isRole = isOneOf({ sage: true, judge: true } satisfies Record<Role, true>);
const isRule = isOneOf({ judge: true, majority: true, unanimous: true } satisfies Record<Rule, true>);
const isOutcome = isOneOf({
  decided: true,
  decided_degraded: true,
  inconclusive: true,
  answered: true,
} satisfies Record<Outcome, true>);
const isLaneStatus = isOneOf({
  voted: true,
  ruled: true,
  answered: true,
  abstained: true,
  failed: true,
  cancelled: true,
} satisfies Record<LaneStatus, true>);
const isUsage = hasFields({
  inputTokens: isCount,
  outputTokens: isCount,
  cacheReadTokens: maybe(isCount),
  cacheWriteTokens: maybe(isCount),
  uncountedCalls: maybe(isCount),
});
const isCard = hasFields({ agentId: isText, name: isText, role: isRole, model: isText, note: maybe(isText) });
const isAuthority = hasFields({
  votersExpected: isCount,
  votersValid: isCount,
  judge: isText,
  rule: isRule,
  overturned: isFlag,
  missing: isListOf(hasFields({ agentId: isText, cause: isText })),
});

/** What an event of each type must hold for the fold and the pages to stand on it. */
const FORMS: Readonly<Record<EventType, Check>> = {
  start: hasFields({
    deliberationId: isText,
    sessionId: isText,
    question: isText,
    mode: isMode,
    council: hasFields({ id: isText, rule: isRule, agents: isListOf(isCard) }),
  }),
  agent_start: hasFields({ agentId: isText, attempt: isCount, model: isText }),
  chunk: hasFields({ agentId: isText, content: isText }),
  thinking: hasFields({ agentId: isText, content: isText }),
  trace: hasFields({
    agentId: maybe(isText),
    trace: hasFields({ action: isText, details: isText, durationMs: maybe(isCount) }),
  }),
  vote: hasFields({ agentId: isText, decision: isDecision, confidence: isNumber, reasoning: isText }),
  verdict: hasFields({
    agentId: isText,
    decision: isDecision,
    confidence: isNumber,
    summary: isText,
    reasoning: isText,
    recommendation: isText,
    scores: isListOf(hasFields({ agentId: isText, score: isCount, reasoning: isText })),
  }),
  agent_complete: hasFields({
    agentId: isText,
    status: isLaneStatus,
    usage: isUsage,
    durationMs: isCount,
    cause: maybe(isText),
    costUsd: maybe(isNumber),
  }),
  complete: hasFields({
    outcome: isOutcome,
    tally: hasFields({ approved: isCount, rejected: isCount, abstained: isCount, failed: isCount }),
    authority: isAuthority,
    usage: isUsage,
    executionTime: isCount,
    chunkCount: isCount,
    digest: isText,
    decision: maybe(isDecision),
    confidence: maybe(isNumber),
    costUsd: maybe(isNumber),
  }),
  cancelled: hasFields({
    by: isText,
    receipt: hasFields({
      agents: isListOf(
        hasFields({ agentId: isText, outputTokens: isCount, estimated: isFlag, upstreamClosed: isFlag }),
      ),
    }),
  }),
  error: hasFields({ error: isText, message: isText, retryable: isFlag }),
};

/** Whether this version knows events of that type. */
export function isKnown(type: string): type is EventType {
  return Object.hasOwn(FORMS, type);
}

/**
 * Reads an event. One of an unknown type has at least `type`, `seq` and `timestamp`; `isKnown` tells.
 *
 * @throws MalformedEvent
 */
export function decode(text: string): MagiEvent {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch (error) {
    throw new MalformedEvent(`no JSON: ${text.slice(0, 80)}`, { cause: error });
  }
  if (!isObject(event)) throw new MalformedEvent(`no JSON object: ${text.slice(0, 80)}`);
  const { type, seq, timestamp } = event;
  const isNumbered = Number.isSafeInteger(seq) && (seq as number) >= 1;
  if (typeof type !== 'string' || !isNumbered || typeof timestamp !== 'string') {
    throw new MalformedEvent(`an event needs \`type\`, \`seq\` and \`timestamp\`: ${text.slice(0, 80)}`);
  }
  if (isKnown(type) && !FORMS[type](event)) throw new MalformedEvent(`no such \`${type}\`: ${text.slice(0, 200)}`);
  return event as unknown as MagiEvent;
}
