/** What the server says of a model that somebody names. */
import { useQuery } from '@tanstack/react-query';
import { useBackend } from '@/live/backend';
import type { ModelOffer } from '@/transport/api';

/** Whether a provider works here is asked of its vendor, so the answer is kept for a while. */
const STALE_MS = 60_000;

export type ModelState =
  | { readonly kind: 'default' }
  | { readonly kind: 'usable'; readonly isRuleBased: boolean }
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly prefix: string };

export function modelState(model: string, offers: readonly ModelOffer[]): ModelState {
  const [prefix = ''] = model.trim().split(':');
  if (prefix === '') return { kind: 'default' };
  const offer = offers.find((candidate) => candidate.prefix === prefix);
  if (offer === undefined) return { kind: 'unknown', prefix };
  if (!offer.usable) return { kind: 'unusable', reason: offer.reason ?? '' };
  return { kind: 'usable', isRuleBased: prefix === 'embedded' };
}

export function useModels() {
  const backend = useBackend();
  return useQuery({
    queryKey: [backend.key, 'models'],
    queryFn: ({ signal }) => backend.api.models(signal),
    staleTime: STALE_MS,
  });
}
