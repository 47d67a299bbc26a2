import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { characters, checkCouncil } from './check';
import { written, type Listed, type WrittenCouncil } from './council';
import { exported, imported } from './exchange';
import {
  changedSeat,
  checkForm,
  emptyForm,
  formOf,
  freeId,
  isSameForm,
  movedSeat,
  withoutSeat,
  withSeat,
  withSeatBack,
} from './form';

const seat = (agentId: string, role: 'sage' | 'judge' = 'sage') => ({
  agentId,
  name: agentId.toUpperCase(),
  role,
  systemPrompt: 'Think.',
});
const PLAIN: WrittenCouncil = { id: 'plain', rule: 'judge', agents: [seat('a'), seat('b'), seat('j', 'judge')] };

const id = fc.stringMatching(/^[a-z][a-z0-9_-]{0,31}$/);
const unit = fc.double({ min: 0, max: 1, noNaN: true }).map((n) => n + 0);
const words = (most: number) =>
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: most }).map((text) => `x${text}x`);
const drawing = fc.record(
  {
    model: fc.stringMatching(/^[!-~]{1,40}$/),
    temperature: unit,
    topP: unit.filter((n) => n > 0),
    topK: fc.integer({ min: 1, max: 1000 }),
    maxTokens: fc.integer({ min: 1, max: 128_000 }),
  },
  { requiredKeys: [] },
);
const seconds = fc.double({ min: 0.001, max: 86_400, noNaN: true });
const councils: fc.Arbitrary<WrittenCouncil> = fc
  .record({
    id,
    name: fc.option(words(20), { nil: undefined }),
    ids: fc.uniqueArray(id, { minLength: 2, maxLength: 10 }),
    drawings: fc.array(drawing, { minLength: 10, maxLength: 10 }),
    persona: words(200),
    limits: fc.option(fc.record({ sageS: seconds, silenceS: seconds }, { requiredKeys: ['sageS'] }), {
      nil: undefined,
    }),
    isOff: fc.boolean(),
  })
  .map(({ id, name, ids, drawings, persona, limits, isOff }) => ({
    id,
    ...(name !== undefined && { name }),
    rule: 'judge' as const,
    agents: ids.map((agentId, at) => ({
      ...seat(agentId, at === 0 ? 'judge' : 'sage'),
      systemPrompt: persona,
      ...drawings[at],
      ...(isOff && at === 2 && { enabled: false }),
    })),
    ...(limits !== undefined && { limits }),
  }));

const fieldsAt = (value: unknown) => checkCouncil(value).faults.map(({ field, code }) => `${field}:${code}`);
const withFirst = (change: Record<string, unknown>) => ({
  ...PLAIN,
  agents: [{ ...PLAIN.agents[0], ...change }, ...PLAIN.agents.slice(1)],
});

describe('a council', () => {
  test('comes back from the form as it went in', () => {
    fc.assert(
      fc.property(councils, (council) => {
        expect(checkForm(formOf(council)).council).toEqual(council);
      }),
    );
  });

  test('comes back from its file as it went in', () => {
    fc.assert(
      fc.property(councils, (council) => {
        const listed: Listed = { ...council, preset: false, updatedAt: '2026-01-01T00:00:00.000Z' };
        expect(imported(exported(listed)).council).toEqual(council);
        expect(imported(JSON.stringify(listed)).council).toEqual(council);
      }),
    );
  });

  test('is written without nulls and without what the server adds', () => {
    const listed: Listed = {
      ...PLAIN,
      name: null,
      limits: { sageS: null },
      agents: [{ ...seat('a'), model: null, topP: null, enabled: true, temperature: 0 }],
      preset: true,
      updatedAt: null,
    };
    expect(written(listed)).toEqual({ id: 'plain', rule: 'judge', agents: [{ ...seat('a'), temperature: 0 }] });
  });
});

describe('the check', () => {
  test.each([
    [{ id: 'Magi' }, ['id:identifier']],
    [{ id: 'a'.repeat(33) }, ['id:identifier']],
    [{ id: 7 }, ['id:text']],
    [{ rule: 'dice' }, ['rule:choice']],
    [{ name: '' }, ['name:empty']],
    [{ agents: {} }, ['agents:list']],
    [{ agents: [] }, ['agents:seats', 'rule:judgeNeeded']],
    [
      { limits: { sageS: 0, judgeS: 86_401, pauseS: 1 } },
      ['limits.pauseS:unknown', 'limits.sageS:above', 'limits.judgeS:above'],
    ],
    [{ extra: 1 }, ['extra:unknown']],
    [{ agents: [seat('a'), seat('b')] }, ['rule:judgeNeeded']],
    [{ rule: 'majority', agents: [seat('a')] }, []],
    [{ agents: [seat('j', 'judge')] }, ['agents:sages']],
    [{ agents: [seat('a'), seat('i', 'judge'), seat('j', 'judge')] }, ['agents:judges']],
    [{ agents: [seat('a'), seat('a'), seat('j', 'judge')] }, ['agents.1.agentId:duplicate']],
    [{ agents: [seat('a'), { ...seat('j', 'judge'), enabled: false }] }, ['rule:judgeNeeded']],
  ])('of %j names %j', (change, faults) => {
    expect(fieldsAt({ ...PLAIN, ...change })).toEqual(faults);
  });

  test.each([
    [{ temperature: 1.01 }, 'temperature:range'],
    [{ temperature: '0.5' }, 'temperature:number'],
    [{ topP: 0 }, 'topP:above'],
    [{ topK: 1.5 }, 'topK:whole'],
    [{ topK: 1001 }, 'topK:range'],
    [{ maxTokens: 128_001 }, 'maxTokens:range'],
    [{ model: 'two words' }, 'model:model'],
    [{ systemPrompt: 'x'.repeat(16_001) }, 'systemPrompt:tooLong'],
    [{ systemPrompt: '' }, 'systemPrompt:empty'],
    [{ name: 'x'.repeat(65) }, 'name:tooLong'],
    [{ role: 'king' }, 'role:choice'],
    [{ enabled: null }, 'enabled:flag'],
    [{ constructor: 1 }, 'constructor:unknown'],
  ])('of an agent with %j names %s', (change, fault) => {
    expect(fieldsAt(withFirst(change))).toEqual([`agents.0.${fault}`]);
  });

  test('takes the edges, and null for what is not given', () => {
    const edges = {
      temperature: 0,
      topP: 1,
      topK: 1000,
      maxTokens: 128_000,
      model: null,
      systemPrompt: '😀'.repeat(16_000),
    };
    expect(fieldsAt(withFirst(edges))).toEqual([]);
  });

  test('survives anything', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(imported(JSON.stringify(value)).faults.length).toBeGreaterThan(0);
      }),
    );
    expect(imported('{"__proto__":{"id":"x"}}').council).toBeNull();
    expect(imported('{').faults).toEqual([{ field: '', code: 'json' }]);
    expect(imported(`"${'x'.repeat(1024 * 1024)}"`).faults[0]?.code).toBe('tooLarge');
  });

  test('counts characters as the server does', () => {
    expect(characters('a😀あ')).toBe(3);
  });
});

describe('the form', () => {
  test('reads numbers as people type them, and leaves none of them to chance', () => {
    const typed = changedSeat(formOf(PLAIN), 'seat-0', {
      temperature: ' ０.７ ',
      topK: '',
      maxTokens: '12k',
      topP: '1',
    });
    expect(checkForm(typed).faults.map(({ field, code }) => `${field}:${code}`)).toEqual(['agents.0.maxTokens:number']);
    const mended = checkForm(changedSeat(typed, 'seat-0', { maxTokens: '12000' })).council;
    expect(mended?.agents[0]).toEqual({ ...seat('a'), temperature: 0.7, topP: 1, maxTokens: 12_000 });
  });

  test('asks for names and personas, and takes no blank for one', () => {
    const blank = checkForm(changedSeat({ ...emptyForm(), id: 'new' }, 'seat-0', { name: ' ', systemPrompt: ' \n' }));
    expect(blank.faults.map(({ field }) => field)).toContain('agents.0.systemPrompt');
    expect(new Set(blank.faults.map(({ code }) => code))).toEqual(new Set(['empty']));
  });

  test('does not take an id that is taken', () => {
    expect(checkForm({ ...formOf(PLAIN), id: ' magi ' }, ['magi']).faults).toEqual([
      { field: 'id', code: 'taken', values: { id: 'magi' } },
    ]);
  });

  test('moves, removes, gives back and adds seats, each with a key of its own', () => {
    const keys = (form: { agents: readonly { key: string }[] }) => form.agents.map(({ key }) => key).join(' ');
    const form = formOf(PLAIN);
    expect(keys(movedSeat(form, 'seat-0', 1))).toBe('seat-1 seat-0 seat-2');
    expect(keys(movedSeat(form, 'seat-0', -1))).toBe('seat-0 seat-1 seat-2');
    expect(keys(movedSeat(form, 'seat-2', 1))).toBe('seat-0 seat-1 seat-2');
    const removed = withoutSeat(form, 'seat-1');
    expect(keys(withSeat(removed))).toBe('seat-0 seat-2 seat-3');
    const gone = form.agents[1];
    if (gone === undefined) throw new Error('no seat');
    expect(isSameForm(withSeatBack(removed, gone, 1), form)).toBe(true);
    expect(isSameForm(removed, form)).toBe(false);
    expect(emptyForm().agents.map(({ agentId }) => agentId)).toEqual(['sage-1', 'sage-2', 'sage-3', 'judge']);
  });

  test('finds an id that nobody has', () => {
    expect(freeId('magi', ['magi', 'magi-2'])).toBe('magi-3');
    const long = 'a'.repeat(32);
    expect(freeId(long, [long])).toBe(`${'a'.repeat(30)}-2`);
  });
});
