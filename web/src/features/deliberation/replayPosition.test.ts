import { describe, expect, it } from 'vitest';
import { seqIn, withSeq } from './replayPosition';

describe('seqIn', () => {
  it.each([
    ['#seq=12', 12],
    ['?a=1&seq=3', 3],
    ['seq=7', 7],
    ['', null],
    ['#content', null],
    ['#seq=0', null],
    ['#seq=-4', null],
    ['#seq=1.5', null],
    ['#seq=1e3', null],
    ['#seq=9999999999999999', null],
    ['#seq=<img>', null],
  ])('reads %o as %o', (given, expected) => {
    expect(seqIn(given)).toBe(expected);
  });
});

describe('withSeq', () => {
  it('puts the moment into the fragment where the path is the path', () => {
    expect(withSeq('http://h/d/a?x=1#seq=3', 5, 'path')).toBe('http://h/d/a?x=1#seq=5');
    expect(withSeq('http://h/d/a?x=1#seq=3', null, 'path')).toBe('http://h/d/a?x=1');
  });

  it('puts it into the query where the fragment is the path, and leaves what else is there', () => {
    expect(withSeq('http://h/app/?x=1#/d/a', 5, 'hash')).toBe('http://h/app/?x=1&seq=5#/d/a');
    expect(withSeq('http://h/app/?x=1&seq=5#/d/a', null, 'hash')).toBe('http://h/app/?x=1#/d/a');
  });
});
