/** The state of the form of a council: what is typed, what is wrong with it, and which of that is to be shown already. */
import { useState } from 'react';
import { ApiProblem } from '@/transport/api';
import { checkForm, type CouncilForm, type SeatForm } from './form';
import { useFaultWords } from './useFaultWords';
import type { WrittenCouncil } from './council';

/** A fault that the server named. */
export interface Refusal {
  readonly field: string;
  readonly message: string;
}

interface Shown {
  readonly form: CouncilForm;
  /** Fields that were left once, by their name or `<seat's key>.<name>`. */
  readonly left: ReadonlySet<string>;
  readonly isTried: boolean;
  readonly refusals: readonly Refusal[];
}

export function useCouncilForm(start: CouncilForm, taken: readonly string[]) {
  const [shown, setShown] = useState<Shown>({ form: start, left: new Set(), isTried: false, refusals: [] });
  const words = useFaultWords();
  const { form, left, isTried, refusals } = shown;
  const { council, faults } = checkForm(form, taken);

  /** Makes a change; what the server said of `fields`, or of all where none is named, is said of them no longer. */
  const change = (to: (form: CouncilForm) => CouncilForm, fields?: readonly string[]) =>
    setShown((before) => ({
      ...before,
      form: to(before.form),
      refusals: fields === undefined ? [] : before.refusals.filter(({ field }) => !fields.includes(field)),
    }));

  const error = (field: string, name: string): string | undefined => {
    const fault = faults.find((candidate) => candidate.field === field);
    if (fault !== undefined && (isTried || left.has(name))) return words.what(fault);
    return refusals.find((refusal) => refusal.field === field)?.message;
  };

  return {
    form,
    faults: isTried ? faults : [],
    change,
    leave: (name: string) => setShown((before) => ({ ...before, left: new Set(before.left).add(name) })),
    errorOf: (field: string) => error(field, field),
    errorOfSeat: (at: number, seat: SeatForm, name: keyof SeatForm) =>
      error(`agents.${at}.${name}`, `${seat.key}.${name}`),
    refuse: (next: readonly Refusal[]) => setShown((before) => ({ ...before, refusals: next })),
    /** Gives what can be saved; from now on every fault is shown. */
    submit: (): WrittenCouncil | null => {
      setShown((before) => ({ ...before, isTried: true, refusals: [] }));
      return council;
    },
  };
}

export type CouncilFormState = ReturnType<typeof useCouncilForm>;

/** The faults that the server's answer names, by the paths of this form. */
export function refusalsOf(error: unknown): readonly Refusal[] {
  if (!(error instanceof ApiProblem)) return [];
  const { field, faults, detail } = error.problem;
  const named = faults ?? (field === undefined ? [] : [{ field, message: detail }]);
  return named.map(({ field: path = '', message = detail }) => ({
    field: path.replace(/^council\.(?=.)/, ''),
    // The field is named by its place here.
    message: message.replace(/^`[^`]*`: /, ''),
  }));
}
