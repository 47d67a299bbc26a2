// @vitest-environment node
/** The golden logs, which the server's tests read as well: tests/golden, written by tests/support/golden.py. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode } from './decode';
import { Digest } from './digest';
import { EMPTY, fold } from './fold';

const folder = new URL('../../../tests/golden/', import.meta.url);
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.states.jsonl'))
  .map((name) => name.replace('.states.jsonl', ''));

function lines(name: string): string[] {
  return readFileSync(new URL(name, folder), 'utf8').split('\n').slice(0, -1);
}

it('has the golden logs to read', () => {
  expect(names.length).toBeGreaterThan(9);
});

describe.each(names)('the golden log %s', (name) => {
  const texts = lines(`${name}.jsonl`);

  it('folds to the golden state after every event', () => {
    const states = lines(`${name}.states.jsonl`);
    expect(states).toHaveLength(texts.length);
    let state = EMPTY;
    texts.forEach((text, place) => {
      state = fold(state, decode(text));
      // Strict: an absent field is not one that is undefined.
      expect(state).toStrictEqual(JSON.parse(states[place] ?? ''));
    });
  });

  it('is proved by its digest, and is not without any one of its events', async () => {
    const last = decode(texts.at(-1) ?? '');
    if (last.type !== 'complete') return;
    const proved = texts.slice(0, -1);
    const whole = new Digest();
    // In two pieces, as it may come.
    whole.add(proved.slice(0, 2));
    whole.add(proved.slice(2));
    expect(await whole.matches(last.digest)).toBe(true);
    for (const missing of proved.keys()) {
      const holed = new Digest();
      holed.add(proved.filter((_, place) => place !== missing));
      expect(await holed.matches(last.digest)).toBe(false);
    }
  });
});
