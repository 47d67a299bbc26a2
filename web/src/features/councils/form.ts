/** A council as a form holds it, all numbers as the text that was typed; what can be done to it; and the way back. */
import type { Role, Rule } from '@/protocol/types';
import { checkCouncil, type Checked, type Fault } from './check';
import { LIMIT_NAMES, type LimitName, type WrittenCouncil } from './council';

export const SAMPLING = ['temperature', 'topP', 'topK', 'maxTokens'] as const;
export type SamplingName = (typeof SAMPLING)[number];

export interface SeatForm extends Readonly<Record<SamplingName, string>> {
  /** Its identity on the page, whatever is typed as its id. */
  readonly key: string;
  readonly agentId: string;
  readonly name: string;
  readonly role: Role;
  readonly model: string;
  readonly systemPrompt: string;
  readonly enabled: boolean;
}

export interface CouncilForm {
  readonly id: string;
  readonly name: string;
  readonly rule: Rule;
  readonly agents: readonly SeatForm[];
  readonly limits: Readonly<Record<LimitName, string>>;
}

const NO_LIMITS: CouncilForm['limits'] = { deliberationS: '', sageS: '', judgeS: '', silenceS: '' };

export function formOf(council: WrittenCouncil): CouncilForm {
  const limits = { ...NO_LIMITS };
  for (const name of LIMIT_NAMES) limits[name] = typed(council.limits?.[name]);
  return {
    id: council.id,
    name: council.name ?? '',
    rule: council.rule,
    agents: council.agents.map((seat, at) => ({
      key: `seat-${at}`,
      agentId: seat.agentId,
      name: seat.name,
      role: seat.role,
      model: seat.model ?? '',
      temperature: typed(seat.temperature),
      topP: typed(seat.topP),
      topK: typed(seat.topK),
      maxTokens: typed(seat.maxTokens),
      systemPrompt: seat.systemPrompt,
      enabled: seat.enabled ?? true,
    })),
    limits,
  };
}

export function emptyForm(): CouncilForm {
  const blank: CouncilForm = { id: '', name: '', rule: 'judge', agents: [], limits: NO_LIMITS };
  return ['sage', 'sage', 'sage', 'judge'].reduce((form, role) => withSeat(form, role as Role), blank);
}

/** Checks what is typed. `taken` are the ids that a new council cannot have. */
export function checkForm(form: CouncilForm, taken: readonly string[] = []): Checked {
  const checked = checkCouncil(rawOf(form));
  if (!taken.includes(form.id.trim())) return checked;
  const isTaken: Fault = { field: 'id', code: 'taken', values: { id: form.id.trim() } };
  return { council: null, faults: [isTaken, ...checked.faults] };
}

/** What stands in the form, before it is known to be right. Empty fields are not given; no number stays text. */
function rawOf(form: CouncilForm): Record<string, unknown> {
  return {
    id: form.id.trim(),
    ...given({ name: form.name.trim() }),
    rule: form.rule,
    agents: form.agents.map((seat) => ({
      agentId: seat.agentId.trim(),
      name: seat.name.trim(),
      role: seat.role,
      systemPrompt: seat.systemPrompt.trim() === '' ? '' : seat.systemPrompt,
      ...given({ model: seat.model.trim() }),
      ...given(Object.fromEntries(SAMPLING.map((name) => [name, numberOf(seat[name])]))),
      ...(!seat.enabled && { enabled: false }),
    })),
    limits: given(Object.fromEntries(LIMIT_NAMES.map((name) => [name, numberOf(form.limits[name])]))),
  };
}

function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}

function typed(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}

/** The number that a person typed, in Japanese digits as well; what is none stays text, and is a fault. */
function numberOf(text: string): number | string {
  const plain = text.normalize('NFKC').trim();
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(plain) ? Number(plain) : plain;
}

/** The first of `base`, `base-2`, `base-3`, … that nobody has, within an id's 32 characters. */
export function freeId(base: string, taken: readonly string[]): string {
  if (!taken.includes(base)) return base;
  for (let n = 2; ; n += 1) {
    const tail = `-${n}`;
    const id = `${base.slice(0, 32 - tail.length)}${tail}`;
    if (!taken.includes(id)) return id;
  }
}

function freeSage(taken: readonly string[]): string {
  let n = 1;
  while (taken.includes(`sage-${n}`)) n += 1;
  return `sage-${n}`;
}

export function withSeat(form: CouncilForm, role: Role = 'sage'): CouncilForm {
  const numbers = form.agents.map(({ key }) => Number(key.slice('seat-'.length)));
  const ids = form.agents.map(({ agentId }) => agentId);
  const seat: SeatForm = {
    key: `seat-${Math.max(-1, ...numbers) + 1}`,
    agentId: role === 'judge' ? freeId('judge', ids) : freeSage(ids),
    name: '',
    role,
    model: '',
    temperature: '',
    topP: '',
    topK: '',
    maxTokens: '',
    systemPrompt: '',
    enabled: true,
  };
  return { ...form, agents: [...form.agents, seat] };
}

export function withoutSeat(form: CouncilForm, key: string): CouncilForm {
  return { ...form, agents: form.agents.filter((seat) => seat.key !== key) };
}

/** Puts a seat that was taken away back where it was. */
export function withSeatBack(form: CouncilForm, seat: SeatForm, at: number): CouncilForm {
  return { ...form, agents: form.agents.toSpliced(at, 0, seat) };
}

export function movedSeat(form: CouncilForm, key: string, by: -1 | 1): CouncilForm {
  const at = form.agents.findIndex((seat) => seat.key === key);
  const seat = form.agents[at];
  const to = at + by;
  if (seat === undefined || to < 0 || to >= form.agents.length) return form;
  return { ...form, agents: form.agents.toSpliced(at, 1).toSpliced(to, 0, seat) };
}

export function changedSeat(form: CouncilForm, key: string, change: Partial<SeatForm>): CouncilForm {
  return { ...form, agents: form.agents.map((seat) => (seat.key === key ? { ...seat, ...change } : seat)) };
}

/** Whether two forms say the same, whatever their seats' keys. */
export function isSameForm(one: CouncilForm, other: CouncilForm): boolean {
  const said = (form: CouncilForm) =>
    JSON.stringify({ ...form, agents: form.agents.map((seat) => ({ ...seat, key: '' })) });
  return said(one) === said(other);
}
