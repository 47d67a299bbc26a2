/** Which council is to be asked: chosen here, else asked for by the link, else the last one chosen, else the preset. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'wouter';
import { useBackend } from '@/live/backend';
import type { Council } from '@/transport/api';
import { keepCouncil, keptCouncil } from './memory';

export const DEFAULT_COUNCIL = 'magi';

export interface CouncilChoice {
  readonly id: string;
  /** The chosen one; null where the list could not be loaded. */
  readonly council: Council | null;
  /** The preset first, then the other presets, then a person's own. */
  readonly councils: readonly Council[] | null;
  /** Who was wished for and is not there. */
  readonly missing: string | null;
  readonly error: Error | null;
  readonly retry: () => void;
  readonly choose: (id: string) => void;
}

export function useCouncilChoice(): CouncilChoice {
  const backend = useBackend();
  const [search] = useSearchParams();
  const [chosen, setChosen] = useState<{ readonly backend: string; readonly id: string } | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: [backend.key, 'councils'],
    queryFn: ({ signal }) => backend.api.councils(signal),
  });
  const linked = search.get('council');
  const isLinkGood = linked !== null && data?.some(({ id }) => id === linked) === true;
  useEffect(() => {
    if (isLinkGood) keepCouncil(backend.key, linked);
  }, [backend.key, linked, isLinkGood]);
  const wish =
    (chosen?.backend === backend.key ? chosen.id : null) ?? linked ?? keptCouncil(backend.key) ?? DEFAULT_COUNCIL;
  return {
    ...settled(wish, data ?? null, data === undefined && error !== null),
    error: data === undefined ? error : null,
    retry: () => void refetch(),
    choose: (id) => {
      keepCouncil(backend.key, id);
      setChosen({ backend: backend.key, id });
    },
  };
}

/** What is asked, given a wish and the councils there are. They are null while they are not known; then the wish holds. */
export function settled(
  wish: string,
  list: readonly Council[] | null,
  hasFailed: boolean,
): Pick<CouncilChoice, 'id' | 'council' | 'councils' | 'missing'> {
  if (list === null) return { id: hasFailed ? DEFAULT_COUNCIL : wish, council: null, councils: null, missing: null };
  const place = (council: Council) => (council.id === DEFAULT_COUNCIL ? 0 : council.preset ? 1 : 2);
  const councils = list.toSorted((one, other) => place(one) - place(other));
  const found = councils.find(({ id }) => id === wish);
  const council = found ?? councils[0] ?? null;
  return {
    id: council?.id ?? DEFAULT_COUNCIL,
    council,
    councils,
    missing: found === undefined && wish !== DEFAULT_COUNCIL ? wish : null,
  };
}
