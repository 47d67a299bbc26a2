/** What the answers of a backend are told by. Only so far: what holds a state need not be read twice. */

type Fields = Readonly<Record<string, unknown>>;

export const isState = (fields: Fields): boolean =>
  typeof fields['status'] === 'string' && Array.isArray(fields['lanes']);
export const isList = (fields: Fields): boolean => Array.isArray(fields['items']);
export const isSurvey = (fields: Fields): boolean => isList(fields) && typeof fields['otherwise'] === 'string';
export const isCouncil = (fields: Fields): boolean =>
  typeof fields['id'] === 'string' && Array.isArray(fields['agents']);
export const isBegun = (fields: Fields): boolean => typeof fields['deliberationId'] === 'string';

export interface Items<T> {
  readonly items: readonly T[];
}

export interface Begun {
  readonly deliberationId: string;
}
