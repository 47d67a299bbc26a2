// @vitest-environment node
import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { Digest } from './digest';

const texts = ['{"a":1.0}', '{"決":"裁"}', ''];
const stated = `sha256:${createHash('sha256')
  .update(texts.map((text) => `${text}\n`).join(''))
  .digest('hex')}`;

describe('the digest', () => {
  it('is over each text and a line feed, however they came', async () => {
    const digest = new Digest();
    digest.add([]);
    digest.add(texts.slice(0, 1));
    digest.add(texts.slice(1));
    expect(await digest.matches(stated)).toBe(true);
  });

  it('tells other texts', async () => {
    const digest = new Digest();
    digest.add([...texts].reverse());
    expect(await digest.matches(stated)).toBe(false);
  });

  it('cannot be told where the page is in no secure context', async () => {
    vi.stubGlobal('crypto', {});
    try {
      const digest = new Digest();
      digest.add(texts);
      expect(await digest.matches(stated)).toBeNull();
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('cannot be told of a kind that is not known', async () => {
    expect(await new Digest().matches('blake9:00')).toBeNull();
  });
});
