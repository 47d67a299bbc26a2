/** What is to be known about the models of a council before it is asked. */
import type { Council, ModelSurvey } from '@/transport/api';

export interface Unusable {
  readonly name: string;
  readonly model: string;
  readonly reason: string;
}

export interface CouncilModels {
  /** How many agents are rule-based, no language model. */
  readonly ruleBased: 'all' | 'some' | 'none';
  /** The first agent whose model cannot be used on this server. */
  readonly unusable: Unusable | null;
}

/** `survey` is null while the server has not said which models it has; only models that a council names count then. */
export function modelsOf(council: Council, survey: ModelSurvey | null): CouncilModels {
  const seated = council.agents
    .filter(({ enabled }) => enabled !== false)
    .map(({ agentId, name, model }) => {
      const its = model ?? survey?.default[agentId] ?? survey?.otherwise ?? '';
      return { name, model: its, prefix: its.split(':')[0] ?? '' };
    });
  const nRuleBased = seated.filter(({ prefix }) => prefix === 'embedded').length;
  const unusable = seated.flatMap(({ name, model, prefix }) => {
    const offer = survey?.items.find((candidate) => candidate.prefix === prefix);
    return offer?.usable === false ? [{ name, model, reason: offer.reason ?? '' }] : [];
  });
  return {
    ruleBased: nRuleBased === 0 ? 'none' : nRuleBased === seated.length ? 'all' : 'some',
    unusable: unusable[0] ?? null,
  };
}
