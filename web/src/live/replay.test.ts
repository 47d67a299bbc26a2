import { describe, expect, it, vi } from 'vitest';
import { fold, foldAll } from '@/protocol/fold';
import type { MagiEvent } from '@/protocol/types';
import { Replay, type ReplayClock } from './replay';
import { momentsOf, offsetsOf } from './replayMoments';

// The real fold, watched: how often it runs is what a seek costs.
vi.mock(import('@/protocol/fold'), async (original) => {
  const real = await original();
  return { ...real, fold: vi.fn(real.fold) };
});

const ORIGIN = Date.UTC(2026, 0, 1);

type Draft = Record<string, unknown> & { readonly type: string };

function log(...drafts: (readonly [atMs: number, draft: Draft])[]): readonly MagiEvent[] {
  return drafts.map(
    ([atMs, draft], place) =>
      ({ ...draft, seq: place + 1, timestamp: new Date(ORIGIN + atMs).toISOString() }) as unknown as MagiEvent,
  );
}

const agents = ['caspar', 'balthasar'].map((agentId) => ({ agentId, name: agentId, role: 'sage', model: 'm' }));
const START: Draft = {
  type: 'start',
  deliberationId: 'd',
  sessionId: 's',
  question: 'q',
  mode: 'deliberate',
  council: { id: 'magi', rule: 'judge', agents },
};
const begun = (agentId: string, attempt = 1): Draft => ({ type: 'agent_start', agentId, attempt, model: 'm' });
const said = (agentId: string, content: string): Draft => ({ type: 'chunk', agentId, content });
const voted = (agentId: string): Draft => ({
  type: 'vote',
  agentId,
  decision: 'APPROVED',
  confidence: 0.5,
  reasoning: 'r',
});
const ended = (agentId: string, status: string): Draft => ({
  type: 'agent_complete',
  agentId,
  status,
  usage: { inputTokens: 1, outputTokens: 1 },
  durationMs: 1,
});
const END: Draft = { type: 'error', error: 'internal', message: 'm', retryable: true };

const SHORT = log(
  [0, START],
  [0, begun('caspar')],
  [100, said('caspar', 'a')],
  [200, said('caspar', 'b')],
  [5_200, said('caspar', 'c')],
  [5_300, begun('caspar', 2)],
  [5_400, said('caspar', 'd')],
  [5_500, voted('caspar')],
  [5_500, ended('caspar', 'voted')],
  [6_000, END],
);

/** Time goes on only where a test says so; a frame comes after each step of it. */
class Clock implements ReplayClock {
  #nowMs = 0;
  #next: (() => void) | null = null;

  nowMs = () => this.#nowMs;
  requestFrame = (run: () => void) => {
    this.#next = run;
    return 1;
  };
  cancelFrame = () => {
    this.#next = null;
  };

  pass(ms: number, frameMs = 100): void {
    for (let left = ms; left > 0; left -= frameMs) {
      this.#nowMs += Math.min(frameMs, left);
      const run = this.#next;
      this.#next = null;
      run?.();
    }
  }

  get isIdle(): boolean {
    return this.#next === null;
  }
}

function replayOf(events: readonly MagiEvent[]) {
  const clock = new Clock();
  const replay = new Replay('d', events, clock);
  const listener = vi.fn();
  replay.subscribe(listener);
  return { clock, replay, listener };
}

const textOf = (replay: Replay) => replay.snapshot().state.lanes[0]?.text;

describe('Replay', () => {
  it('stands at the end at first, with the state that the whole log folds to', () => {
    const { replay } = replayOf(SHORT);
    expect(replay.snapshot().state).toEqual(foldAll(SHORT));
    expect(replay.playback()).toMatchObject({ position: 10, total: 10, atMs: 6_000, isPlaying: false });
  });

  it('shows at every seq what the fold of the events up to it gives, in whatever order they are asked for', () => {
    const events = longLog(1_700);
    const { replay } = replayOf(events);
    for (const seq of [1_700, 1, 499, 500, 501, 1_000, 999, 1_699, 3, 1_499, 1_501]) {
      replay.seek(seq);
      expect(replay.snapshot().state).toEqual(foldAll(events.slice(0, seq)));
      expect(replay.snapshot().events).toEqual(events.slice(0, seq));
    }
  });

  it('takes the nearest event for a seq that is not there', () => {
    const { replay } = replayOf(SHORT);
    replay.seek(-3);
    expect(replay.playback().position).toBe(1);
    replay.seek(99);
    expect(replay.playback().position).toBe(10);
  });

  it('seeks by time to the last event that had happened', () => {
    const { replay } = replayOf(SHORT);
    replay.seekTime(5_199);
    expect(replay.playback().position).toBe(4);
    expect(textOf(replay)).toBe('ab');
    replay.seekTime(5_200);
    expect(textOf(replay)).toBe('abc');
  });

  it('keeps the times of lanes of the moment shown', () => {
    const { replay } = replayOf(SHORT);
    replay.seek(4);
    expect(replay.snapshot().times['caspar']).toMatchObject({
      startedAt: ORIGIN,
      firstTextAt: ORIGIN + 100,
      lastTextAt: ORIGIN + 200,
    });
    replay.seek(6);
    expect(replay.snapshot().times['caspar']).toMatchObject({ startedAt: ORIGIN + 5_300, firstTextAt: null });
  });

  it('plays over the real timing, silences included, and stops at the end', () => {
    const { clock, replay } = replayOf(SHORT);
    replay.seek(1);
    replay.play();
    clock.pass(200);
    expect(textOf(replay)).toBe('ab');
    expect(replay.playback().silence).toEqual({ fromMs: 200, toMs: 5_200 });
    clock.pass(4_900);
    expect(textOf(replay)).toBe('ab');
    clock.pass(100);
    expect(textOf(replay)).toBe('abc');
    expect(replay.playback().silence).toBeNull();
    clock.pass(800);
    expect(replay.playback()).toMatchObject({ position: 10, isPlaying: false });
    expect(clock.isIdle).toBe(true);
  });

  it.each([4, 16] as const)('plays %i times as fast', (speed) => {
    const { clock, replay } = replayOf(SHORT);
    replay.seek(1);
    replay.setSpeed(speed);
    replay.play();
    clock.pass(5_184 / speed, 10);
    expect(textOf(replay)).toBe('ab');
    clock.pass(32 / speed, 2);
    expect(textOf(replay)).toBe('abc');
  });

  it('stands still while it is paused and goes on from there', () => {
    const { clock, replay } = replayOf(SHORT);
    replay.seek(1);
    replay.play();
    clock.pass(100);
    replay.pause();
    clock.pass(1_000);
    expect(replay.playback().atMs).toBe(100);
    replay.play();
    clock.pass(100);
    expect(replay.playback().atMs).toBe(200);
  });

  it('does not leap over what went by while the page got no frames', () => {
    const { clock, replay } = replayOf(SHORT);
    replay.seek(1);
    replay.play();
    clock.pass(60_000, 60_000);
    expect(replay.playback().atMs).toBe(250);
  });

  it('begins again when it is played at its end', () => {
    const { replay } = replayOf(SHORT);
    replay.play();
    expect(replay.playback()).toMatchObject({ position: 2, atMs: 0, isPlaying: true });
  });

  it('stops by itself when nobody listens any more', () => {
    const clock = new Clock();
    const replay = new Replay('d', SHORT, clock);
    const end = replay.subscribe(() => undefined);
    replay.play();
    clock.pass(100);
    end();
    clock.pass(100);
    expect(clock.isIdle).toBe(true);
  });

  it('steps from moment to moment, and stays where there is none further', () => {
    const { replay } = replayOf(SHORT);
    replay.seek(1);
    const seen = [2, 6, 8, 10, 10].map(() => {
      replay.step('next');
      return replay.playback().position;
    });
    expect(seen).toEqual([2, 6, 8, 10, 10]);
    replay.step('previous');
    expect(replay.playback().position).toBe(8);
  });

  it('keeps its snapshot where no event went by, and tells its listeners of the time all the same', () => {
    const { clock, replay, listener } = replayOf(SHORT);
    replay.seek(4);
    replay.play();
    const before = replay.snapshot();
    listener.mockClear();
    clock.pass(1_000);
    expect(replay.snapshot()).toBe(before);
    expect(listener).toHaveBeenCalledTimes(10);
  });

  it('takes what the log grew to and stays at its moment', () => {
    const { replay } = replayOf(SHORT.slice(0, 4));
    replay.seek(3);
    const before = replay.snapshot();
    replay.take(SHORT);
    expect(replay.snapshot()).toBe(before);
    expect(replay.playback()).toMatchObject({ position: 3, total: 10, durationMs: 6_000 });
    replay.toEnd();
    expect(replay.snapshot().state).toEqual(foldAll(SHORT));
  });

  it('has an empty log for what it is', () => {
    const { replay } = replayOf([]);
    replay.play();
    replay.seek(5);
    expect(replay.playback()).toMatchObject({ position: 0, total: 0, atMs: 0, isPlaying: false });
  });

  it('seeks in 10,000 events by folding no more of them than lie between two checkpoints', () => {
    const { replay } = replayOf(longLog(10_000));
    for (const seq of [9_999, 400, 7_321, 7_320, 5]) {
      vi.mocked(fold).mockClear();
      replay.seek(seq);
      expect(vi.mocked(fold).mock.calls.length).toBeLessThan(500);
      expect(replay.snapshot().state.cursor).toBe(seq);
    }
  });
});

describe('offsetsOf', () => {
  it('never falls, and takes a timestamp that is none for the one before it', () => {
    const events = log([0, START], [500, START], [300, START], [700, START]).map((event, place) =>
      place === 3 ? { ...event, timestamp: 'soon' } : event,
    );
    expect(offsetsOf(events)).toEqual([0, 500, 500, 500]);
  });

  it('goes on from offsets it knows', () => {
    const known = offsetsOf(SHORT.slice(0, 5));
    expect(offsetsOf(SHORT, known)).toEqual(offsetsOf(SHORT));
  });
});

describe('momentsOf', () => {
  it('tells a first attempt from a further one, and a lane that failed from one that voted', () => {
    const recovery = { type: 'trace', trace: { action: 'recovery', details: '' } };
    const events = log(
      [0, START],
      [1, begun('caspar')],
      [2, recovery],
      [3, begun('caspar', 2)],
      [4, ended('caspar', 'failed')],
      [5, ended('balthasar', 'abstained')],
      [6, ended('melchior', 'voted')],
      [7, END],
    );
    expect(momentsOf(events, offsetsOf(events)).map(({ kind, seq, agentId }) => [kind, seq, agentId])).toEqual([
      ['start', 2, 'caspar'],
      ['recovery', 3, null],
      ['again', 4, 'caspar'],
      ['failure', 5, 'caspar'],
      ['abstention', 6, 'balthasar'],
      ['end', 8, null],
    ]);
  });
});

function longLog(n: number): readonly MagiEvent[] {
  const words = Array.from({ length: n - 2 }, (_, place) => {
    const agentId = place % 3 === 0 ? 'caspar' : 'balthasar';
    return [place * 10, said(agentId, `${place} `)] as const;
  });
  return log([0, START], ...words, [n * 10, END]);
}
