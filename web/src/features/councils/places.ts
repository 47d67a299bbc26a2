/** Where the views of this page are: everything is in the query, for the page has one path. */
import { paths } from '@/ui/paths';

export type Place =
  | { readonly kind: 'see'; readonly id: string | null }
  | { readonly kind: 'edit' | 'copy'; readonly id: string }
  | { readonly kind: 'new' };

const at = (name: string, value: string) => `${paths.councils}?${name}=${encodeURIComponent(value)}`;

export const councilPaths = {
  see: (id: string) => at('id', id),
  edit: (id: string) => at('edit', id),
  copy: (id: string) => at('copy', id),
  new: at('new', '1'),
  ask: (id: string) => `${paths.ask}?council=${encodeURIComponent(id)}`,
} as const;

export function placeOf(search: URLSearchParams): Place {
  for (const kind of ['edit', 'copy'] as const) {
    const id = search.get(kind);
    if (id !== null) return { kind, id };
  }
  return search.has('new') ? { kind: 'new' } : { kind: 'see', id: search.get('id') };
}
