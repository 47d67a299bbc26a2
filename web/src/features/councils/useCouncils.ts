/** The councils of the backend, and what changes them. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useBackend } from '@/live/backend';
import type { Council } from '@/transport/api';
import { written, type Listed, type WrittenCouncil } from './council';

export function useCouncils() {
  const backend = useBackend();
  return useQuery({
    queryKey: [backend.key, 'councils'],
    queryFn: ({ signal }) => backend.api.councils(signal),
  });
}

export interface CouncilChanges {
  /** Gives the council as the server has kept it. */
  readonly save: (council: WrittenCouncil) => Promise<Listed>;
  readonly remove: (id: string) => Promise<void>;
  /** Writes a council that was deleted again. */
  readonly restore: (council: Listed) => Promise<Listed>;
}

export function useCouncilChanges(): CouncilChanges {
  const backend = useBackend();
  const queries = useQueryClient();
  const key = [backend.key, 'councils'];
  // The list shows the change at once, and is then asked for again.
  const settle = async (change: (before: readonly Council[]) => readonly Council[]) => {
    await queries.cancelQueries({ queryKey: key });
    queries.setQueryData<readonly Council[]>(key, (before) => before && change(before));
    void queries.invalidateQueries({ queryKey: key });
  };
  const save = async (council: WrittenCouncil) => {
    const saved = await backend.api.putCouncil(council);
    await settle((before) =>
      before.some(({ id }) => id === saved.id)
        ? before.map((kept) => (kept.id === saved.id ? saved : kept))
        : [...before, saved],
    );
    return saved;
  };
  return {
    save,
    remove: async (id) => {
      await backend.api.deleteCouncil(id);
      await settle((before) => before.filter((kept) => kept.id !== id));
    },
    restore: (council) => save(written(council)),
  };
}
