/** The timeline: what each agent was doing when, read off the events of a log. Pure. */
import { offsetsOf } from '@/live/replayMoments';
import type { AgentCard, MagiEvent, Trace } from '@/protocol/types';

/**
 * `call` until the provider accepts the call, `wait` until its first token, `ballot` from the last text to the vote or
 * verdict (the tool is being called), `throttle` a wait the provider asked for, `repair` a call that asks for a ballot
 * again, until it is accepted, `silence` a long gap between tokens, `recovery` the time in which no server ran it.
 */
export const SPAN_KINDS = [
  'call',
  'wait',
  'thinking',
  'streaming',
  'ballot',
  'silence',
  'throttle',
  'repair',
  'recovery',
  'mixed',
] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

/** Milliseconds count from the first event. */
export interface Span {
  readonly kind: SpanKind;
  readonly fromMs: number;
  /** null while it lasts. */
  readonly toMs: number | null;
  /** The event that began it. */
  readonly seq: number;
  readonly attempt: number;
  /** A later attempt voided what came of it. */
  readonly isVoid: boolean;
  /** How many events it is made of. */
  readonly nEvents: number;
}

/** `action` is any trace that has no kind of its own. */
export type MarkKind =
  | 'begun'
  | 'again'
  | 'retry'
  | 'repair'
  | 'throttle'
  | 'timeout'
  | 'failure'
  | 'vote'
  | 'verdict'
  | 'ended'
  | 'recovery'
  | 'action'
  | 'over';

/** Something that happened at one time. */
export interface TimelineMark {
  readonly kind: MarkKind;
  readonly atMs: number;
  readonly seq: number;
  readonly event: MagiEvent;
  /** What the server says about it, where it does. */
  readonly trace: Trace | null;
}

export interface TimelineRow {
  readonly agent: AgentCard;
  readonly spans: readonly Span[];
  readonly marks: readonly TimelineMark[];
}

export interface Timeline {
  readonly rows: readonly TimelineRow[];
  /** What happened to no single agent. */
  readonly general: { readonly spans: readonly Span[]; readonly marks: readonly TimelineMark[] };
  readonly lastMs: number;
  readonly isOver: boolean;
}

/** A gap between two tokens of so long is shown as silence. */
export const SILENCE_MS = 1_500;

const TIMEOUTS = new Set(['model_late', 'model_silent']);
const REPAIRS = new Set(['ballot_spoilt', 'ballot_asked']);

/** The timeline of the events so far. Agents that no `start` announced have a row of their own at the end. */
export function timeline(events: readonly MagiEvent[]): Timeline {
  const offsets = offsetsOf(events);
  const first = events[0];
  const lanes = new Map<string, LaneDrawing>();
  if (first?.type === 'start')
    for (const agent of first.council.agents) lanes.set(agent.agentId, new LaneDrawing(agent));
  const general = { spans: [] as Span[], marks: [] as TimelineMark[] };
  let isOver = false;
  events.forEach((event, place) => {
    const atMs = offsets[place] ?? 0;
    const agentId = 'agentId' in event ? event.agentId : null;
    if (agentId != null) {
      const lane = lanes.get(agentId) ?? new LaneDrawing(stranger(agentId));
      lanes.set(agentId, lane);
      lane.take(event, atMs);
    } else if (event.type === 'trace') {
      const kind = event.trace.action === 'recovery' ? 'recovery' : 'action';
      general.marks.push({ kind, atMs, seq: event.seq, event, trace: event.trace });
      if (kind === 'recovery') {
        const fromMs = offsets[place - 1] ?? 0;
        general.spans.push({ ...span('recovery', fromMs, event.seq, 0), toMs: atMs });
        for (const lane of lanes.values()) lane.cut(fromMs);
      }
    } else if (event.type === 'complete' || event.type === 'cancelled' || event.type === 'error') {
      isOver = true;
      general.marks.push({ kind: 'over', atMs, seq: event.seq, event, trace: null });
      for (const lane of lanes.values()) lane.cut(atMs);
    }
  });
  return { rows: [...lanes.values()].map((lane) => lane.row()), general, lastMs: offsets.at(-1) ?? 0, isOver };
}

/** One lane's spans as they grow. At most one span is open, and it is the last. */
class LaneDrawing {
  readonly #agent: AgentCard;
  #spans: Span[] = [];
  readonly #marks: TimelineMark[] = [];
  #attempt = 0;
  #lastTextMs = 0;
  /** The provider was asked to cast again, so that the next call is a repair. */
  #isRepair = false;
  #isFenced = false;

  constructor(agent: AgentCard) {
    this.#agent = agent;
  }

  take(event: MagiEvent, atMs: number): void {
    switch (event.type) {
      case 'agent_start':
        this.#begin(event.attempt, event, atMs);
        break;
      case 'chunk':
        this.#hear('streaming', atMs, event.seq);
        break;
      case 'thinking':
        this.#hear('thinking', atMs, event.seq);
        break;
      case 'vote':
      case 'verdict':
        this.#close(atMs, event.seq, this.#isFenced ? null : 'ballot');
        this.#mark(event.type, event, atMs);
        break;
      case 'agent_complete':
        this.#close(atMs, event.seq, 'silence');
        this.#mark('ended', event, atMs);
        break;
      case 'trace':
        this.#note(event.trace, event, atMs);
        break;
      default:
        this.#mark('action', event, atMs);
    }
  }

  /** Ends what is open: nobody goes on with it. */
  cut(atMs: number): void {
    this.#close(Math.max(atMs, this.#spans.at(-1)?.fromMs ?? 0), 0, 'silence');
  }

  /** A phase that took no time at all was none; a text of one token was one. */
  row(): TimelineRow {
    const spans = this.#spans.filter((span) => span.toMs !== span.fromMs || isText(span));
    return { agent: this.#agent, spans, marks: this.#marks };
  }

  #begin(attempt: number, event: MagiEvent, atMs: number): void {
    this.#close(atMs, event.seq, 'silence');
    this.#spans = this.#spans.map((before) => ({ ...before, isVoid: true }));
    this.#attempt = attempt;
    this.#isRepair = this.#isFenced = false;
    this.#mark(attempt > 1 ? 'again' : 'begun', event, atMs);
    this.#open('call', atMs, event.seq);
  }

  #note(trace: Trace, event: MagiEvent, atMs: number): void {
    const { action } = trace;
    if (action === 'model_call') {
      this.#close(atMs, event.seq, null);
      this.#open('wait', atMs, event.seq);
      this.#isRepair = false;
      this.#mark('action', event, atMs, trace);
      return;
    }
    this.#mark(markOf(action), event, atMs, trace);
    if (action === 'throttle_wait') {
      this.#close(atMs, event.seq, 'silence');
      this.#throttle(atMs, event.seq, trace.durationMs ?? null);
    } else if (REPAIRS.has(action)) {
      // A ballot that was spoilt was being cast until then; one that was not cast was not.
      this.#close(atMs, event.seq, action === 'ballot_spoilt' ? 'ballot' : null);
      if (!this.#isRepair) this.#open('repair', atMs, event.seq);
      this.#isRepair = true;
    } else if (action === 'ballot_fenced') {
      this.#isFenced = true;
      this.#close(atMs, event.seq, null);
    } else if (action === 'retry' || action.startsWith('model_')) {
      this.#close(atMs, event.seq, 'silence');
    }
  }

  /** A wait that the provider asked for is announced with its length; what comes next may cut it short. */
  #throttle(atMs: number, seq: number, durationMs: number | null): void {
    this.#open('throttle', atMs, seq);
    if (durationMs === null) return;
    const waiting = this.#spans.at(-1);
    if (waiting === undefined) return;
    this.#spans.splice(
      -1,
      1,
      { ...waiting, toMs: atMs + durationMs },
      { ...span('call', atMs + durationMs, seq, this.#attempt) },
    );
  }

  #hear(kind: 'streaming' | 'thinking', atMs: number, seq: number): void {
    const last = this.#spans.at(-1);
    if (last?.toMs === null && last.kind === kind && atMs - this.#lastTextMs < SILENCE_MS) {
      this.#spans.splice(-1, 1, { ...last, nEvents: last.nEvents + 1 });
    } else {
      this.#close(atMs, seq, 'silence');
      this.#open(kind, atMs, seq);
    }
    this.#lastTextMs = atMs;
  }

  #open(kind: SpanKind, atMs: number, seq: number): void {
    this.#spans.push(span(kind, atMs, seq, this.#attempt));
  }

  /** Text lasts to its last token; what follows it until `atMs` is `after`, silence only where it is long. */
  #close(atMs: number, seq: number, after: 'ballot' | 'silence' | null): void {
    const last = this.#spans.at(-1);
    if (last?.toMs !== null) {
      // A wait that was announced for longer than it lasted.
      if (last !== undefined && last.toMs > atMs) this.#spans.splice(-1, 1, { ...last, toMs: atMs });
      return;
    }
    if (!isText(last)) {
      this.#closeUntexted(last, atMs);
      return;
    }
    const gapMs = atMs - this.#lastTextMs;
    const hasGap = after !== null && gapMs > 0 && (after === 'ballot' || gapMs >= SILENCE_MS);
    // Short gaps belong to the text: that is the pace of its tokens.
    const isShort = after === 'silence' && gapMs < SILENCE_MS;
    this.#spans.splice(-1, 1, { ...last, toMs: isShort ? atMs : this.#lastTextMs });
    if (hasGap) this.#spans.push({ ...span(after, this.#lastTextMs, seq, this.#attempt), toMs: atMs });
  }

  #closeUntexted(last: Span, atMs: number): void {
    if (last.fromMs <= atMs) {
      this.#spans.splice(-1, 1, { ...last, toMs: atMs });
      return;
    }
    // The call after an announced wait that was cut short never came to be.
    this.#spans.pop();
    const waiting = this.#spans.at(-1);
    if (waiting !== undefined) this.#spans.splice(-1, 1, { ...waiting, toMs: atMs });
  }

  #mark(kind: MarkKind, event: MagiEvent, atMs: number, trace: Trace | null = null): void {
    this.#marks.push({ kind, atMs, seq: event.seq, event, trace });
  }
}

function span(kind: SpanKind, fromMs: number, seq: number, attempt: number): Span {
  return { kind, fromMs, toMs: null, seq, attempt, isVoid: false, nEvents: 1 };
}

function isText({ kind }: Span): boolean {
  return kind === 'streaming' || kind === 'thinking';
}

function markOf(action: string): MarkKind {
  if (action === 'retry') return 'retry';
  if (action === 'throttle_wait') return 'throttle';
  if (REPAIRS.has(action)) return 'repair';
  if (TIMEOUTS.has(action)) return 'timeout';
  return action.startsWith('model_') ? 'failure' : 'action';
}

function stranger(agentId: string): AgentCard {
  return { agentId, name: agentId, role: 'sage', model: '' };
}

/**
 * At most about `most` spans, for drawing: neighbours too short to be seen apart become one of kind `mixed`.
 *
 * A model that switches between thinking and text at every token would else make thousands of marks.
 */
export function drawable(spans: readonly Span[], totalMs: number, most = 150): readonly Span[] {
  if (spans.length <= most) return spans;
  const leastMs = totalMs / most;
  const drawn: Span[] = [];
  for (const next of spans) {
    const last = drawn.at(-1);
    const endMs = next.toMs ?? totalMs;
    const isJoinable =
      last !== undefined && last.toMs !== null && last.isVoid === next.isVoid && endMs - last.fromMs < leastMs;
    if (isJoinable) {
      drawn.splice(-1, 1, { ...last, kind: 'mixed', toMs: next.toMs, nEvents: last.nEvents + next.nEvents });
    } else {
      drawn.push(next);
    }
  }
  return drawn;
}
