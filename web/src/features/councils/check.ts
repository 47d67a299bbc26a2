/**
 * Whether something is a council that the server would take: the rules of src/magisystem/protocol/requests.py and
 * council/agents.py, so that a form and an imported file are answered at once, field by field.
 */
import type { Role } from '@/protocol/types';
import { BOUNDS, LIMIT_NAMES, RULES, type WrittenCouncil } from './council';

/** What is wrong, as a key of the catalogue (`fault.…`), and the values its sentence names. */
export interface Flaw {
  readonly code:
    | 'missing'
    | 'unknown'
    | 'text'
    | 'number'
    | 'whole'
    | 'flag'
    | 'list'
    | 'object'
    | 'json'
    | 'tooLarge'
    | 'identifier'
    | 'empty'
    | 'tooLong'
    | 'range'
    | 'above'
    | 'choice'
    | 'model'
    | 'duplicate'
    | 'seats'
    | 'sages'
    | 'judges'
    | 'judgeNeeded'
    | 'taken';
  readonly values?: Readonly<Record<string, string | number>>;
}

/** A flaw and where it is: a path such as `agents.0.temperature`; empty for the whole. */
export interface Fault extends Flaw {
  readonly field: string;
}

export type Checked =
  | { readonly council: WrittenCouncil; readonly faults: readonly [] }
  | { readonly council: null; readonly faults: readonly [Fault, ...Fault[]] };

type Check = (value: unknown) => Flaw | null;
interface FieldRule {
  readonly check: Check;
  readonly need: 'required' | 'optional' | 'nullable';
}
type Rules = ReadonlyMap<string, FieldRule>;

const ROLES: readonly Role[] = ['sage', 'judge'];

const required = (check: Check): FieldRule => ({ check, need: 'required' });
const optional = (check: Check): FieldRule => ({ check, need: 'optional' });
/** The server takes null for "not given". */
const nullable = (check: Check): FieldRule => ({ check, need: 'nullable' });

/** Counts as Python does, by code points. */
export function characters(text: string): number {
  let n = text.length;
  for (let at = 0; at < text.length; at += 1) if (isSurrogatePair(text, at)) n -= 1;
  return n;
}

function isSurrogatePair(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}

function words(most: number): Check {
  return (value) => {
    if (typeof value !== 'string') return { code: 'text' };
    if (value === '') return { code: 'empty' };
    const length = characters(value);
    return length > most ? { code: 'tooLong', values: { most, length } } : null;
  };
}

function matching(pattern: RegExp, code: Flaw['code']): Check {
  return (value) => {
    if (typeof value !== 'string') return { code: 'text' };
    return pattern.test(value) ? null : { code };
  };
}

function oneOf(choices: readonly string[]): Check {
  return (value) =>
    typeof value === 'string' && choices.includes(value)
      ? null
      : { code: 'choice', values: { choices: choices.join(', ') } };
}

function number(from: number, to: number): Check {
  return (value) => {
    if (typeof value !== 'number') return { code: 'number' };
    return value >= from && value <= to ? null : { code: 'range', values: { from, to } };
  };
}

function above(from: number, to: number): Check {
  return (value) => {
    if (typeof value !== 'number') return { code: 'number' };
    return value > from && value <= to ? null : { code: 'above', values: { from, to } };
  };
}

function whole(from: number, to: number): Check {
  const within = number(from, to);
  return (value) => within(value) ?? (Number.isInteger(value) ? null : { code: 'whole' });
}

const identifier = matching(/^[a-z][a-z0-9_-]{0,31}$/, 'identifier');
const flag: Check = (value) => (typeof value === 'boolean' ? null : { code: 'flag' });
const list: Check = (value) => (Array.isArray(value) ? null : { code: 'list' });
const object: Check = (value) => (isObject(value) ? null : { code: 'object' });

const COUNCIL: Rules = new Map([
  ['id', required(identifier)],
  ['name', nullable(words(BOUNDS.name))],
  ['rule', optional(oneOf(RULES))],
  ['agents', required(list)],
  ['limits', nullable(object)],
]);

const SEAT: Rules = new Map([
  ['agentId', required(identifier)],
  ['name', required(words(BOUNDS.name))],
  ['role', required(oneOf(ROLES))],
  ['systemPrompt', required(words(BOUNDS.persona))],
  ['model', nullable(matching(/^\S{1,300}$/, 'model'))],
  ['temperature', nullable(number(0, 1))],
  ['topP', nullable(above(0, 1))],
  ['topK', nullable(whole(1, BOUNDS.topK))],
  ['maxTokens', nullable(whole(1, BOUNDS.maxTokens))],
  ['enabled', optional(flag)],
]);

const LIMITS: Rules = new Map(LIMIT_NAMES.map((name) => [name, nullable(above(0, BOUNDS.limitS))]));

/** Gives the council, without empty fields, or every fault. */
export function checkCouncil(value: unknown): Checked {
  const faults: Fault[] = [];
  const council = checkFields(value, '', COUNCIL, faults);
  const agents = Array.isArray(council['agents']) ? council['agents'] : [];
  const seats = agents.map((seat: unknown, at) => checkFields(seat, `agents.${at}`, SEAT, faults));
  const limits = isObject(council['limits']) ? checkFields(council['limits'], 'limits', LIMITS, faults) : {};
  const whole = { ...council, rule: council['rule'] ?? 'judge', agents: seats, limits };
  if (Array.isArray(council['agents'])) faults.push(...seatingFaults(whole.rule, seats));
  const [first, ...others] = faults;
  if (first !== undefined) return { council: null, faults: [first, ...others] };
  if (Object.keys(limits).length === 0) Reflect.deleteProperty(whole, 'limits');
  // Every field was checked above; the type says no more than that.
  return { council: whole as unknown as WrittenCouncil, faults: [] };
}

/** Checks an object's fields and gives those that hold something. */
function checkFields(value: unknown, path: string, rules: Rules, faults: Fault[]): Record<string, unknown> {
  if (!isObject(value)) {
    faults.push({ field: path, code: 'object' });
    return {};
  }
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  for (const name of Object.keys(value)) if (!rules.has(name)) faults.push({ field: at(name), code: 'unknown' });
  const given: Record<string, unknown> = {};
  for (const [name, { check, need }] of rules) {
    const held = Object.hasOwn(value, name) ? value[name] : undefined;
    if (held === undefined || (held === null && need === 'nullable')) {
      if (need === 'required') faults.push({ field: at(name), code: 'missing' });
      continue;
    }
    const flaw = check(held);
    if (flaw !== null) faults.push({ field: at(name), ...flaw });
    given[name] = held;
  }
  return given;
}

/** What is wrong with who sits together: a disabled agent keeps its place and its id, and does not count. */
function seatingFaults(rule: unknown, seats: readonly Record<string, unknown>[]): Fault[] {
  const faults: Fault[] = [];
  if (seats.length < 1 || seats.length > BOUNDS.seats)
    faults.push({ field: 'agents', code: 'seats', values: { most: BOUNDS.seats } });
  seats.forEach(({ agentId }, at) => {
    if (typeof agentId === 'string' && seats.findIndex((seat) => seat['agentId'] === agentId) < at)
      faults.push({ field: `agents.${at}.agentId`, code: 'duplicate', values: { id: agentId } });
  });
  const seated = seats.filter(({ enabled }) => enabled !== false);
  const nSages = seated.filter(({ role }) => role === 'sage').length;
  const nJudges = seated.filter(({ role }) => role === 'judge').length;
  if (seats.length > 0 && (nSages < 1 || nSages > BOUNDS.sages))
    faults.push({ field: 'agents', code: 'sages', values: { most: BOUNDS.sages, n: nSages } });
  if (nJudges > 1) faults.push({ field: 'agents', code: 'judges', values: { n: nJudges } });
  if (rule === 'judge' && nJudges === 0) faults.push({ field: 'rule', code: 'judgeNeeded' });
  return faults;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
