/** Requests to a backend, and what an answer that is not what was asked for comes to. */
import { ApiProblem, Unreachable } from '@/protocol/failures';
import type { ProblemBody } from '@/protocol/types';
import { TIMING } from './patience';

/**
 * Gives the access token that a request is to carry; null where none is needed. With `isRefused` the last one was
 * refused (401): gives a new one, or null where there is none to be had.
 */
export type TokenSource = (isRefused?: boolean) => Promise<string | null>;

// What refusals come as, whatever their status has become on the way.
const PROBLEM = 'application/problem+json';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  /** To be sent as JSON. */
  readonly body?: unknown;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Lets the request outlive the page. */
  readonly keepalive?: boolean | undefined;
  /** How long the server was told to wait before it answers. */
  readonly waitS?: number;
}

/** Rejects with `ApiProblem`, with `Unreachable`, and with the signal's reason where it is aborted. */
export class Http {
  readonly #token: TokenSource;

  constructor(token: TokenSource) {
    this.#token = token;
  }

  /** Gives a successful answer as soon as its head has come. */
  async send(call: Call): Promise<Response> {
    const first = await this.#attempt(call, await this.#bearer(false));
    if (first instanceof Response) return first;
    const renewed = first.status === 401 ? await this.#bearer(true) : null;
    if (renewed === null) throw first;
    const second = await this.#attempt(call, renewed);
    if (second instanceof Response) return second;
    throw second;
  }

  /** Gives a short answer whole. */
  async text(call: Call): Promise<{ readonly text: string; readonly status: number }> {
    const late = new AbortController();
    const limitMs = TIMING.answerMs + (call.waitS ?? 0) * 1000;
    const timer = setTimeout(() => late.abort(), limitMs);
    const signal = call.signal ? AbortSignal.any([call.signal, late.signal]) : late.signal;
    try {
      const response = await this.send({ ...call, signal });
      return { text: await response.text(), status: response.status };
    } catch (error) {
      call.signal?.throwIfAborted();
      if (late.signal.aborted) throw new Unreachable(`${call.url} did not answer in ${limitMs / 1000} s.`);
      throw error instanceof TypeError ? unreachable(call.url, error) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Gives a short answer's JSON object, by which `isExpected` knows that it is one of ours. */
  async json<T>(call: Call, isExpected: (fields: Readonly<Record<string, unknown>>) => boolean): Promise<T> {
    const { text, status } = await this.text(call);
    const fields = parsed(text);
    const problem = problemIn(fields);
    if (problem !== null) throw new ApiProblem(problem.status, problem);
    if (fields === null || !isExpected(fields)) throw noSuchServer(call.url, status);
    return fields as T;
  }

  /** For what is answered with nothing, unless a platform hands a refusal on as a success. */
  async confirm(call: Call): Promise<void> {
    const { text } = await this.text(call);
    const problem = problemIn(parsed(text));
    if (problem !== null) throw new ApiProblem(problem.status, problem);
  }

  /** Gives the answer, or the refusal that it is, which platforms put under other statuses, that of a success too. */
  async #attempt(call: Call, token: string | null): Promise<Response | ApiProblem | Unreachable> {
    const response = await this.#fetch(call, token);
    return response.ok && mediaType(response) !== PROBLEM ? response : await refusal(call.url, response);
  }

  async #fetch(call: Call, token: string | null): Promise<Response> {
    const headers: Record<string, string> = { accept: call.accept ?? 'application/json', ...call.headers };
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    if (token !== null) headers['authorization'] = `Bearer ${token}`;
    try {
      return await fetch(call.url, {
        method: call.method,
        headers,
        cache: 'no-store',
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: call.signal ?? null,
        keepalive: call.keepalive ?? false,
      });
    } catch (error) {
      call.signal?.throwIfAborted();
      throw unreachable(call.url, error);
    }
  }

  async #bearer(isRefused: boolean): Promise<string | null> {
    try {
      return await this.#token(isRefused);
    } catch (error) {
      throw new Unreachable(`The sign-in could not be renewed (${reason(error)}).`, null, { cause: error });
    }
  }
}

/** Gives what is told by an answer that carries a problem; null where it carries none. */
export function problemIn(fields: Readonly<Record<string, unknown>> | null): ProblemBody | null {
  if (fields === null || typeof fields['code'] !== 'string' || typeof fields['detail'] !== 'string') return null;
  return typeof fields['status'] === 'number' && fields['status'] >= 400 ? (fields as unknown as ProblemBody) : null;
}

export function noSuchServer(url: string, status: number): Unreachable {
  return new Unreachable(`${url} answered (${status}) with something else; is that a MAGISystem server?`, status);
}

/** Gives the media type of an answer, without its parameters; empty where it has none. */
export function mediaType(response: Response): string {
  return (response.headers.get('content-type')?.split(';')[0] ?? '').trim().toLowerCase();
}

async function refusal(url: string, response: Response): Promise<ApiProblem | Unreachable> {
  const problem = problemIn(parsed(await response.text().catch(() => '')));
  if (problem === null) return noSuchServer(url, response.status);
  // Of its two forms that in seconds. An empty one would be the number 0.
  const told = response.headers.get('retry-after') ?? '';
  const retryAfterS = told === '' ? NaN : Number(told);
  // Amazon Bedrock AgentCore answers 424 for whatever its runtime refused; the body has the runtime's own status.
  return new ApiProblem(problem.status, problem, Number.isFinite(retryAfterS) ? retryAfterS : null);
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function unreachable(url: string, error: unknown): Unreachable {
  return new Unreachable(`No server answers at ${url} (${reason(error)}).`, null, { cause: error });
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
