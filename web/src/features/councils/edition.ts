/** What the editor is opened with: a new council, a copy, an import, or one that is changed. */
import { written, type Listed, type WrittenCouncil } from './council';
import { emptyForm, formOf, freeId, type CouncilForm } from './form';
import type { Place } from './places';

export interface Edition {
  readonly kind: 'new' | 'copy' | 'import' | 'edit';
  /** The name of what is copied or changed. */
  readonly of: string;
  /** The council that is changed; its id stays. */
  readonly changed: Listed | null;
  readonly start: CouncilForm;
}

/** Null where the council that the place names does not exist or cannot be changed. */
export function editionOf(
  place: Exclude<Place, { kind: 'see' }>,
  councils: readonly Listed[],
  imported: WrittenCouncil | null,
): Edition | null {
  const taken = councils.map(({ id }) => id);
  if (place.kind === 'new') {
    if (imported === null) return { kind: 'new', of: '', changed: null, start: emptyForm() };
    const start = formOf({ ...imported, id: freeId(imported.id, taken) });
    return { kind: 'import', of: imported.name ?? imported.id, changed: null, start };
  }
  const source = councils.find(({ id }) => id === place.id);
  if (source === undefined) return null;
  const of = source.name ?? source.id;
  if (place.kind === 'copy') {
    const start = formOf({ ...written(source), id: freeId(source.id, taken) });
    return { kind: 'copy', of, changed: null, start };
  }
  if (source.preset) return null;
  if (imported !== null) return { kind: 'import', of, changed: source, start: formOf({ ...imported, id: source.id }) };
  return { kind: 'edit', of, changed: source, start: formOf(written(source)) };
}
