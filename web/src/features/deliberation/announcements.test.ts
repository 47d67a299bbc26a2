// @vitest-environment jsdom
import i18next from 'i18next';
import { beforeAll, describe, expect, it } from 'vitest';
import { startLanguage } from '@/i18n/language';
import { EMPTY, foldAll } from '@/protocol/fold';
import { announcements } from './announcements';
import { begins, completes, ends, logOf, rules, says, startOf, votes, type Told } from './testing';

beforeAll(() => startLanguage('en'));

const words = () => i18next.getFixedT<['deliberation', 'common']>('en', ['deliberation', 'common']);

/** What is said when the last of these events comes. */
function saidOfLast(...events: readonly Told[]): readonly string[] {
  const log = logOf(startOf(), ...events);
  return announcements(foldAll(log.slice(0, -1)), foldAll(log), words());
}

describe('announcements', () => {
  it('tell of votes, failures, the verdict and the end', () => {
    expect(saidOfLast(begins('caspar'), votes('caspar', 'REJECTED'))).toEqual(['CASPAR votes: Rejected.']);
    expect(saidOfLast(ends('caspar', { status: 'failed', cause: 'model_silent' }))).toEqual([
      'CASPAR failed: no word came for too long.',
    ]);
    expect(saidOfLast(rules())).toEqual(['SOLOMON rules: Approved.']);
    expect(saidOfLast(completes())).toEqual(['Outcome: Approved.']);
    expect(saidOfLast(completes({ outcome: 'inconclusive', decision: null }))[0]).toContain('inconclusive');
    expect(saidOfLast({ type: 'cancelled', by: 'owner', receipt: { agents: [] } })).toEqual([
      'The deliberation is stopped.',
    ]);
  });

  it('leave the words as they come alone', () => {
    expect(saidOfLast(begins('caspar'), says('caspar', 'a'))).toEqual([]);
    expect(saidOfLast(begins('caspar'), votes('caspar'), ends('caspar'))).toEqual([]);
  });

  it('do not tell again of what was there when the page came', () => {
    const state = foldAll(logOf(startOf(), begins('caspar'), votes('caspar'), completes()));
    expect(announcements(EMPTY, state, words())).toEqual([]);
  });

  it('say a cause that there are no words for as it is', () => {
    expect(saidOfLast(ends('caspar', { status: 'failed', cause: 'brand_new' }))).toEqual(['CASPAR failed: brand_new.']);
    expect(saidOfLast(ends('caspar', { status: 'failed', cause: '../x.y:z' }))).toEqual(['CASPAR failed: ../x.y:z.']);
  });
});
