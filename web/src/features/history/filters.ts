/** What the list is narrowed to, as it stands in the page's address. */
import { useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';
import type { Decision, Outcome } from '@/protocol/types';
import type { HistoryQuery } from '@/transport/api';

export interface Filters {
  /** Trimmed. */
  readonly q: string;
  readonly outcome: Outcome | null;
  readonly decision: Decision | null;
}

/** As long as the server reads. */
export const SEARCH_CHARS = 1_000;
export const OUTCOMES = ['decided', 'decided_degraded', 'inconclusive', 'answered'] as const satisfies Outcome[];
/** Nothing is ever decided as an abstention: a council that abstains is inconclusive. */
export const DECISIONS = ['APPROVED', 'REJECTED'] as const satisfies Decision[];
export const UNFILTERED: Filters = { q: '', outcome: null, decision: null };
const PAGE_ITEMS = 20;

function oneOf<T extends string>(words: readonly T[], word: string | null): T | null {
  return words.find((known) => known === word) ?? null;
}

/** Reads an address; words that nobody knows count as absent. */
export function readFilters(search: string): Filters {
  const params = new URLSearchParams(search);
  return {
    q: (params.get('q') ?? '').slice(0, SEARCH_CHARS).trim(),
    outcome: oneOf(OUTCOMES, params.get('outcome')),
    decision: oneOf(DECISIONS, params.get('decision')),
  };
}

export function writeFilters({ q, outcome, decision }: Filters): string {
  const params = new URLSearchParams();
  if (q !== '') params.set('q', q);
  if (outcome !== null) params.set('outcome', outcome);
  if (decision !== null) params.set('decision', decision);
  return params.toString();
}

export function isNarrowed(filters: Filters): boolean {
  return writeFilters(filters) !== '';
}

/** The page of the list that begins at `cursor`, as the server is asked for it. */
export function queryOf({ q, outcome, decision }: Filters, cursor: string | null): HistoryQuery {
  return {
    limit: PAGE_ITEMS,
    ...(q !== '' && { q }),
    ...(outcome !== null && { outcome }),
    ...(decision !== null && { decision }),
    ...(cursor !== null && { cursor }),
  };
}

type Change = (change: Partial<Filters>, options?: { readonly replace: boolean }) => void;

export function useFilters(): readonly [Filters, Change] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const filters = useMemo(() => readFilters(search), [search]);
  const change: Change = (part, options) => {
    // The question mark stays: under hash routing a place without one keeps the query that was there.
    navigate(`${path}?${writeFilters({ ...filters, ...part })}`, options);
  };
  return [filters, change];
}
