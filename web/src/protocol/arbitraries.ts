/** What property tests draw from: events of every type, and whole logs. */
import fc from 'fast-check';
import type { EventType, MagiEvent } from './types';

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('"', '\\', '\r\n', 'data: x', '\0', '\u2028', '決裁👩‍⚖️', '"events":[', '</script>'),
);
const ids = fc.constantFrom('caspar', 'balthasar', 'melchior', 'solomon', 'stranger');
const counts = fc.nat();
const confidences = fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0);
const decisions = fc.constantFrom('APPROVED', 'REJECTED', 'ABSTAINED');
const usages = fc.record({ inputTokens: counts, outputTokens: counts });
const cards = fc.record({ agentId: ids, name: texts, role: fc.constantFrom('sage', 'judge'), model: texts });

type Fields = Record<string, fc.Arbitrary<unknown>>;

const FIELDS: Readonly<Record<EventType, Fields>> = {
  start: {
    deliberationId: texts,
    sessionId: texts,
    question: texts,
    mode: fc.constantFrom('deliberate', 'chat'),
    council: fc.record({
      id: texts,
      rule: fc.constantFrom('judge', 'majority', 'unanimous'),
      agents: fc.uniqueArray(cards, { maxLength: 4, selector: ({ agentId }) => agentId }),
    }),
  },
  agent_start: { agentId: ids, attempt: fc.integer({ min: 1, max: 3 }), model: texts },
  chunk: { agentId: ids, content: texts },
  thinking: { agentId: ids, content: texts },
  trace: { trace: fc.record({ action: texts, details: texts }) },
  vote: { agentId: ids, decision: decisions, confidence: confidences, reasoning: texts },
  verdict: {
    agentId: ids,
    decision: decisions,
    confidence: confidences,
    summary: texts,
    reasoning: texts,
    recommendation: texts,
    scores: fc.array(fc.record({ agentId: ids, score: counts, reasoning: texts }), { maxLength: 2 }),
  },
  agent_complete: {
    agentId: ids,
    status: fc.constantFrom('voted', 'ruled', 'answered', 'abstained', 'failed', 'cancelled'),
    usage: usages,
    durationMs: counts,
  },
  complete: {
    outcome: fc.constantFrom('decided', 'decided_degraded', 'inconclusive', 'answered'),
    tally: fc.record({ approved: counts, rejected: counts, abstained: counts, failed: counts }),
    authority: fc.record({
      votersExpected: counts,
      votersValid: counts,
      judge: texts,
      rule: fc.constantFrom('judge', 'majority', 'unanimous'),
      overturned: fc.boolean(),
      missing: fc.array(fc.record({ agentId: ids, cause: texts }), { maxLength: 2 }),
    }),
    usage: usages,
    executionTime: counts,
    chunkCount: counts,
    digest: texts,
  },
  cancelled: {
    by: texts,
    receipt: fc.record({
      agents: fc.array(
        fc.record({ agentId: ids, outputTokens: counts, estimated: fc.boolean(), upstreamClosed: fc.boolean() }),
        { maxLength: 2 },
      ),
    }),
  },
  error: { error: texts, message: texts, retryable: fc.boolean() },
};

export const types = Object.keys(FIELDS) as EventType[];

/** An event of that type; its seq is to be set by a log. */
export function eventOf(type: EventType): fc.Arbitrary<MagiEvent> {
  const common = { type: fc.constant(type), seq: fc.integer({ min: 1 }), timestamp: texts };
  return fc.record({ ...common, ...FIELDS[type] }) as unknown as fc.Arbitrary<MagiEvent>;
}

const unknowns = fc.record({
  type: fc.constantFrom('omen', 'agent_pause', '', 'toString'),
  seq: fc.integer({ min: 1 }),
  timestamp: texts,
  // As it is once it has been JSON, which knows no -0.
  signs: fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value))),
}) as unknown as fc.Arbitrary<MagiEvent>;

export const events: fc.Arbitrary<MagiEvent> = fc.oneof(...types.map(eventOf), unknowns);

/** Events of any kind in any order, with the seqs of a log: 1, 2, 3, … */
export const logs: fc.Arbitrary<readonly MagiEvent[]> = fc
  .array(events, { maxLength: 40 })
  .map((drawn) => drawn.map((event, place) => ({ ...event, seq: place + 1 })));
