// @vitest-environment node
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logs } from '@/protocol/arbitraries';
import { takenApart } from './raw';

describe('taking a message apart', () => {
  it('gives every event in the very text it was sent as', () => {
    fc.assert(
      fc.property(logs, fc.string(), fc.constantFrom(undefined, 1, 4), (log, id, space) => {
        const texts = log.map((event) => JSON.stringify(event, null, space));
        const message = `{"type":"events", "deliberationId": ${JSON.stringify(id)} , "events" : [${texts.join(' , ')}],"done":true}`;
        expect(takenApart(message)).toEqual({
          fields: { type: 'events', deliberationId: id, events: [], done: true },
          events: texts,
        });
      }),
    );
  });

  it('keeps the text of a number that JSON writes in another way', () => {
    expect(takenApart('{"events":[{"confidence":1.0}]}').events).toEqual(['{"confidence":1.0}']);
  });

  it('takes only the outermost list of that name', () => {
    const message = '{"a":{"events":[1]},"b":"\\"events\\":[2]","events":[{"events":[3]}],"c":"events"}';
    expect(takenApart(message).events).toEqual(['{"events":[3]}']);
  });

  it('finds none where there are none', () => {
    expect(takenApart('{"type":"ended","cursor":3}')).toEqual({ fields: { type: 'ended', cursor: 3 }, events: [] });
    expect(takenApart('{"events":[]}').events).toEqual([]);
    expect(takenApart('{"events":null}').events).toEqual([]);
  });

  it.each(['', '{', '[]', '{"events":[1,2', '{"events":[1]', 'null', '<html>', '{"a":"'])('refuses %s', (message) => {
    expect(() => takenApart(message)).toThrow(SyntaxError);
  });

  it('leaves what is no JSON within the list for the decoder to refuse', () => {
    expect(takenApart('{"events":[1,,2]}').events).toEqual(['1', '', '2']);
  });
});
