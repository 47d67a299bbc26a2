/** What is to be known about the models of a council before it is asked. */
import type { Council, ModelOffer } from '@/transport/api';

export interface Unusable {
  readonly name: string;
  readonly model: string;
  readonly reason: string;
}

export interface CouncilModels {
  /**
   * `all`, `some`: so many agents are rule-based, no language model. `default`: agents take the server's model, which
   * this page cannot know.
   */
  readonly ruleBased: 'all' | 'some' | 'default' | 'none';
  /** The first agent whose model cannot be used on this server. */
  readonly unusable: Unusable | null;
}

/** `offers` is null while the server has not said which models can be used. */
export function modelsOf(council: Council, offers: readonly ModelOffer[] | null): CouncilModels {
  const seated = council.agents.filter(({ enabled }) => enabled !== false);
  const named = seated.flatMap(({ name, model }) =>
    model ? [{ name, model, prefix: model.split(':')[0] ?? '' }] : [],
  );
  const nRuleBased = named.filter(({ prefix }) => prefix === 'embedded').length;
  const unusable = named.flatMap(({ name, model, prefix }) => {
    const offer = offers?.find((candidate) => candidate.prefix === prefix);
    return offer?.usable === false ? [{ name, model, reason: offer.reason ?? '' }] : [];
  });
  const isByDefault = named.length < seated.length;
  return {
    ruleBased: isByDefault ? 'default' : nRuleBased === 0 ? 'none' : nRuleBased === seated.length ? 'all' : 'some',
    unusable: unusable[0] ?? null,
  };
}
