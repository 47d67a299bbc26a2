/** A server that is reached directly, at the paths it has for every verb. */
import type { DeliberationState, HistoryPage } from '@/protocol/types';
import { isBegun, isCouncil, isList, isSurvey, isState, type Begun, type Items } from './answers';
import { toPut, type Api, type Council, type HistoryQuery, type ModelSurvey } from './api';
import type { Ways } from './following';
import type { Call, Http } from './http';
import type { Timing } from './patience';
import { Polls } from './poll';
import type { SocketWay } from './socket';
import { openStream } from './stream';

/** The verbs of the server at `url`, which is empty for the page's own. */
export function directApi(http: Http, url: string): Api {
  const one = (id: string): string => `${url}/deliberations/${encodeURIComponent(id)}`;
  const council = (id: string): string => `${url}/councils/${encodeURIComponent(id)}`;
  return {
    async start(request, idempotencyKey, signal) {
      const body = { ...request, idempotencyKey, detached: true };
      const call: Call = { method: 'POST', url: `${url}/invocations`, body, signal };
      return (await http.json<Begun>(call, isBegun)).deliberationId;
    },
    state: (id, signal) => http.json<DeliberationState>({ method: 'GET', url: one(id), signal }, isState),
    cancel: (id) => http.json<DeliberationState>({ method: 'POST', url: `${one(id)}/cancel` }, isState),
    forget: (id, options) => http.confirm({ method: 'DELETE', url: one(id), keepalive: options?.keepalive }),
    rename: (id, title) => http.confirm({ method: 'PATCH', url: one(id), body: { title } }),
    list: (query, signal) =>
      http.json<HistoryPage>({ method: 'GET', url: `${url}/deliberations${search(query)}`, signal }, isList),
    async councils(signal) {
      return (await http.json<Items<Council>>({ method: 'GET', url: `${url}/councils`, signal }, isList)).items;
    },
    putCouncil: (given) => http.json<Council>({ method: 'PUT', url: council(given.id), body: toPut(given) }, isCouncil),
    deleteCouncil: (id) => http.confirm({ method: 'DELETE', url: council(id) }),
    models: (signal) => http.json<ModelSurvey>({ method: 'GET', url: `${url}/models`, signal }, isSurvey),
  };
}

/** The ways to the logs of the server at `url`. */
export function directWays(http: Http, url: string, socket: SocketWay | null, timing: Timing): Ways {
  const events = (id: string): string => `${url}/deliberations/${encodeURIComponent(id)}/events`;
  return {
    socket,
    stream: (id, after, signal) =>
      openStream(http, { method: 'GET', url: `${events(id)}?after=${after}` }, timing, signal),
    poll: (id) =>
      new Polls(http, (after, waitS) => ({ method: 'GET', url: `${events(id)}?after=${after}&wait=${waitS}` }), timing),
  };
}

function search(query: HistoryQuery): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query) as [string, string | number | undefined][]) {
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}
