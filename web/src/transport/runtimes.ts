/**
 * Backends with one path for everything: Amazon Bedrock AgentCore Runtime, and the Lambda Function URL before it.
 *
 * Verb, id, cursor and key are in the body, because the platform filters headers.
 */
import { ApiProblem } from '@/protocol/failures';
import type { DeliberationState, HistoryPage } from '@/protocol/types';
import { isBegun, isCouncil, isList, isSurvey, isState, type Begun, type Items } from './answers';
import { toPut, type Api, type Council, type ModelSurvey } from './api';
import type { AgentCoreConfig } from './config';
import type { Ways } from './following';
import type { Call, Http } from './http';
import type { Timing } from './patience';
import { Polls } from './poll';
import { runtimeSession } from './session';
import { openStream } from './stream';

type Fields = Readonly<Record<string, unknown>>;

/** Where and with which headers everything is posted. */
export interface Endpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The endpoint of a runtime: its ARN is one segment of the path. */
export function agentCoreEndpoint(config: AgentCoreConfig): Endpoint {
  const host = config.endpoint ?? `https://bedrock-agentcore.${config.region}.amazonaws.com`;
  const qualifier = encodeURIComponent(config.qualifier);
  return {
    url: `${host}/runtimes/${encodeURIComponent(config.arn)}/invocations?qualifier=${qualifier}`,
    headers: { 'X-Amzn-Bedrock-AgentCore-Runtime-Session-Id': runtimeSession(config.arn) },
  };
}

export function lambdaEndpoint(url: string): Endpoint {
  return { url: `${url}/invocations`, headers: {} };
}

/** The verbs, all posted to one path. */
export function runtimeApi(http: Http, endpoint: Endpoint): Api {
  const call = (body: Fields, signal?: AbortSignal, keepalive?: boolean): Call => ({
    method: 'POST',
    ...endpoint,
    body,
    signal,
    keepalive,
  });
  return {
    async start(request, idempotencyKey, signal) {
      // Left out, it would mean the runtime's session to the container, and every question here would be a turn of it.
      const begun = call({ sessionId: null, ...request, idempotencyKey, detached: true }, signal);
      return (await http.json<Begun>(begun, isBegun)).deliberationId;
    },
    state: (id, signal) => http.json<DeliberationState>(call({ action: 'get', deliberationId: id }, signal), isState),
    cancel: (id) => http.json<DeliberationState>(call({ action: 'cancel', deliberationId: id }), isState),
    forget: (id, options) =>
      http.confirm(call({ action: 'delete', deliberationId: id }, undefined, options?.keepalive)),
    rename: (id, title) => http.confirm(call({ action: 'rename', deliberationId: id, title })),
    list: (query, signal) => http.json<HistoryPage>(call({ action: 'list', ...given(query) }, signal), isList),
    async councils(signal) {
      return (await http.json<Items<Council>>(call({ action: 'councils' }, signal), isList)).items;
    },
    putCouncil: (given) =>
      http
        .json<Council>(call({ action: 'put_council', councilId: given.id, council: toPut(given) }), isCouncil)
        .catch(withoutCouncil),
    deleteCouncil: (id) => http.confirm(call({ action: 'delete_council', councilId: id })),
    models: (signal) => http.json<ModelSurvey>(call({ action: 'models' }, signal), isSurvey),
  };
}

/** The ways to the logs: streamed, and polled for; a socket would be another path. */
export function runtimeWays(http: Http, endpoint: Endpoint, timing: Timing): Ways {
  const resume = (id: string, fields: Fields): Call => ({
    method: 'POST',
    ...endpoint,
    body: { action: 'resume', deliberationId: id, ...fields },
  });
  return {
    socket: null,
    stream: (id, after, signal) => openStream(http, resume(id, { after }), timing, signal),
    poll: (id) => new Polls(http, (after, wait) => resume(id, { after, stream: false, wait }), timing),
  };
}

/** Names the fields at fault as a server does whose body is the council itself. */
function withoutCouncil(error: unknown): never {
  if (!(error instanceof ApiProblem)) throw error;
  const { problem, status, retryAfterS } = error;
  const bare = (text: string): string => text.replaceAll('`council.', '`').replace(/^council\./, '');
  const faults = problem.faults?.map((fault) => ({
    ...(fault.field === undefined ? {} : { field: bare(fault.field) }),
    ...(fault.message === undefined ? {} : { message: bare(fault.message) }),
  }));
  const body = {
    ...problem,
    detail: bare(problem.detail),
    ...(problem.field === undefined ? {} : { field: bare(problem.field) }),
    ...(faults === undefined ? {} : { faults }),
  };
  throw new ApiProblem(status, body, retryAfterS);
}

function given(query: object): Fields {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined && value !== ''));
}
