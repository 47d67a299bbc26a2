/** How a request to a backend fails. */
import type { ProblemBody } from './types';

/** The backend said no, in an RFC 9457 problem body; `problem.code` is stable, `problem.field` names what is at fault. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  readonly problem: ProblemBody;
  /** Seconds the server asked to wait, where it did: in a header, or where none of its headers arrive, in the body. */
  readonly retryAfterS: number | null;

  constructor(status: number, problem: ProblemBody, retryAfterS: number | null = null) {
    super(problem.detail);
    this.status = status;
    this.problem = problem;
    this.retryAfterS = retryAfterS ?? toldInBody(problem);
  }
}

/** Nobody answered, or what answered is no MAGISystem server; `status` is then the HTTP status of its answer. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  readonly status: number | null;

  constructor(message: string, status: number | null = null, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

function toldInBody(problem: ProblemBody): number | null {
  const { retryAfter } = problem;
  return typeof retryAfter === 'number' && retryAfter >= 0 ? retryAfter : null;
}
