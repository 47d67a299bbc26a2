import { describe, expect, it } from 'vitest';
import { parts } from './fragmentRouting';

describe('the parts of a fragment', () => {
  it('are its path and its query', () => {
    expect(parts('#/compare?a=1&b=2')).toEqual({ path: '/compare', search: 'a=1&b=2' });
  });

  it('are the first page where there is none', () => {
    expect(parts('')).toEqual({ path: '/', search: '' });
  });

  it('keep later question marks in the query', () => {
    expect(parts('#/history?q=why%3F?')).toEqual({ path: '/history', search: 'q=why%3F?' });
  });
});
