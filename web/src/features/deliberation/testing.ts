/** What the tests of this feature share: logs in words, and a deliberation that is told what to be. */
import type { Connection, LiveDeliberation, Snapshot, Stopping } from '@/live/live';
import { timed, type Times } from '@/live/times';
import { foldAll } from '@/protocol/fold';
import type { AgentCard, MagiEvent } from '@/protocol/types';

type EventWords = Readonly<Record<string, unknown>> & { readonly type: MagiEvent['type'] };

/** An event in words, and when it came, in milliseconds from the beginning. */
export type Told = EventWords & { readonly atMs?: number };

const BEGAN_MS = Date.parse('2026-01-02T03:04:05.000Z');

/** Events with their seqs; each a tenth of a second after the one before, or at its own `atMs`. */
export function logOf(...events: readonly Told[]): readonly MagiEvent[] {
  return events.map(({ atMs, ...event }, place) => {
    const timestamp = new Date(BEGAN_MS + (atMs ?? place * 100)).toISOString();
    return { seq: place + 1, timestamp, ...event } as unknown as MagiEvent;
  });
}

const SAGES = ['caspar', 'balthasar', 'melchior'];

export function card(agentId: string, more: Partial<AgentCard> = {}): AgentCard {
  const role = agentId === 'solomon' ? 'judge' : 'sage';
  return { agentId, name: agentId.toUpperCase(), role, model: 'scripted', ...more };
}

export function startOf(more: Readonly<Record<string, unknown>> = {}): EventWords {
  return {
    type: 'start',
    deliberationId: 'd1',
    sessionId: 's1',
    question: 'Should we?',
    mode: 'deliberate',
    council: { id: 'magi', rule: 'judge', agents: [...SAGES, 'solomon'].map((id) => card(id)) },
    ...more,
  };
}

export const begins = (agentId: string, attempt = 1): EventWords => ({
  type: 'agent_start',
  agentId,
  attempt,
  model: 'scripted',
});

export const says = (agentId: string, content: string): EventWords => ({ type: 'chunk', agentId, content });

export const votes = (agentId: string, decision: 'APPROVED' | 'REJECTED' | 'ABSTAINED' = 'APPROVED'): EventWords => ({
  type: 'vote',
  agentId,
  decision,
  confidence: 0.8,
  reasoning: `${agentId} has reasons`,
});

export const ends = (agentId: string, more: Readonly<Record<string, unknown>> = {}): EventWords => ({
  type: 'agent_complete',
  agentId,
  status: 'voted',
  usage: { inputTokens: 10, outputTokens: 100 },
  durationMs: 1_500,
  ...more,
});

export const rules = (more: Readonly<Record<string, unknown>> = {}): EventWords => ({
  type: 'verdict',
  agentId: 'solomon',
  decision: 'APPROVED',
  confidence: 0.7,
  summary: 'Go on.',
  reasoning: 'The sages agree.',
  recommendation: 'Begin small.',
  scores: [{ agentId: 'caspar', score: 81, reasoning: 'sound' }],
  ...more,
});

/** A `complete` in which everything went well; `authority` and the rest can be given otherwise. */
export function completes(
  more: Readonly<Record<string, unknown>> = {},
  authority: Readonly<Record<string, unknown>> = {},
): EventWords {
  return {
    type: 'complete',
    outcome: 'decided',
    decision: 'APPROVED',
    confidence: 0.7,
    tally: { approved: 3, rejected: 0, abstained: 0, failed: 0 },
    authority: {
      votersExpected: 3,
      votersValid: 3,
      judge: 'primary',
      rule: 'judge',
      overturned: false,
      missing: [],
      ...authority,
    },
    usage: { inputTokens: 40, outputTokens: 400 },
    executionTime: 4_200,
    chunkCount: 9,
    digest: 'sha256:00',
    ...more,
  };
}

export class ToldLive implements LiveDeliberation {
  readonly id = 'd1';
  stops = 0;
  reconnects = 0;
  #events: readonly MagiEvent[] = [];
  #connection: Connection = { kind: 'open', carrier: 'stream' };
  #stopping: Stopping = 'no';
  #verified: boolean | null = null;
  #snapshot = this.#shot();
  readonly #listeners = new Set<() => void>();

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  stop(): Promise<void> {
    this.stops += 1;
    this.tell({ stopping: 'asked' });
    return Promise.resolve();
  }

  reconnect(): void {
    this.reconnects += 1;
  }

  tell(news: {
    readonly events?: readonly MagiEvent[];
    readonly connection?: Connection;
    readonly stopping?: Stopping;
    readonly verified?: boolean | null;
  }): void {
    this.#events = news.events ?? this.#events;
    this.#connection = news.connection ?? this.#connection;
    this.#stopping = news.stopping ?? this.#stopping;
    if (news.verified !== undefined) this.#verified = news.verified;
    this.#snapshot = this.#shot();
    for (const listener of [...this.#listeners]) listener();
  }

  #shot(): Snapshot {
    const state = foldAll(this.#events);
    const times = this.#events.reduce<Times>(timed, {});
    return {
      state,
      times,
      connection: this.#connection,
      stopping: this.#stopping,
      events: this.#events,
      verified: this.#verified,
    };
  }
}
