import { describe, expect, it } from 'vitest';
import { laneFacts, steady } from './laneFacts';
import { isSpeaking, knownPhase, phaseOf, textPhase, type Phase } from './laneWords';
import { begins, ends, logOf, says, startOf, ToldLive, votes, type Told } from './testing';

function factsAfter(agentId: string, ...events: readonly Told[]) {
  const live = new ToldLive();
  live.tell({ events: logOf(startOf(), ...events) });
  return laneFacts(live.snapshot(), agentId);
}

describe('the phase of a lane', () => {
  const failed = ends('caspar', { status: 'failed', cause: 'model_silent' });
  it.each<[Phase, readonly Told[]]>([
    ['waiting', []],
    ['called', [begins('caspar')]],
    ['thinking', [begins('caspar'), { type: 'thinking', agentId: 'caspar', content: 'hm' }]],
    ['writing', [begins('caspar'), says('caspar', 'a')]],
    ['called', [begins('caspar'), says('caspar', 'a'), begins('caspar', 2)]],
    ['voted', [begins('caspar'), votes('caspar')]],
    ['failed', [begins('caspar'), says('caspar', 'a'), failed]],
    ['failed', [begins('caspar'), votes('caspar'), failed]],
  ])('is %s', (phase, events) => {
    expect(phaseOf(factsAfter('caspar', ...events), 'sage', false, false)).toBe(phase);
  });

  it('of a judge before its time is that it waits for the sages, but in a chat', () => {
    expect(phaseOf(factsAfter('solomon'), 'judge', false, false)).toBe('waitingForSages');
    expect(phaseOf(factsAfter('solomon'), 'judge', true, false)).toBe('waiting');
  });

  it('does not go on after the deliberation has ended', () => {
    expect(phaseOf(factsAfter('caspar', begins('caspar')), 'sage', false, true)).toBe('unfinished');
    expect(phaseOf(factsAfter('solomon'), 'judge', false, true)).toBe('uncalled');
    expect(isSpeaking('unfinished')).toBe(false);
  });
});

describe('the phase of a lane without contact', () => {
  it.each<Phase>(['waiting', 'waitingForSages', 'called', 'thinking', 'writing'])('is not known where it was %s', (phase) => {
    expect(knownPhase(phase, 'lost')).toBe('unknown');
    expect(knownPhase(phase, 'kept')).toBe(phase);
    expect(textPhase(phase, 'lost')).toBe(phase);
    expect(textPhase(phase, 'refused')).toBe('unknown');
  }); // prettier-ignore

  it('stays where it cannot change', () => {
    expect(knownPhase('voted', 'refused')).toBe('voted');
    expect(knownPhase('failed', 'lost')).toBe('failed');
  });
});

describe('facts', () => {
  it('stay the same object while a lane streams', () => {
    const select = steady((text: string) => ({ hasText: text !== '' }));
    const first = select('a');
    expect(select('ab')).toBe(first);
    expect(select('')).not.toBe(first);
  });
});
