import { isDatabaseUnavailable } from '../../db/unavailable.ts';
import { OverloadedError } from '../../lib/group-commit.ts';
import type { Logger } from '../../lib/logger.ts';
import { HttpProblem, PROBLEMS, type ProblemName } from './problems.ts';

/** Of Express and its body parser, by status. */
const HTTP_ERRORS: ReadonlyMap<number, readonly [ProblemName, string]> = new Map([
  [400, ['malformed-request', 'the request is not well formed: check the JSON and the URL']],
  [413, ['too-large', 'the body is larger than this operation takes: send less at once']],
  [415, ['unsupported-media-type', 'send JSON in UTF-8, plain or compressed by gzip or deflate']],
]);

/** The same, and the log has it where it is ours to mend. */
export function toLoggedProblem(error: unknown, logger: Logger): HttpProblem {
  const problem = toProblem(error);
  if (PROBLEMS[problem.problem].status >= 500) {
    logger.error({ error: errorForLog(error) }, problem.message);
  }
  return problem;
}

/**
 * What to answer when something was thrown. What nobody expected becomes `internal-error`, whose
 * cause is for the log alone.
 */
export function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof OverloadedError) {
    return new HttpProblem('overloaded', 'nothing of this request was stored; send it again', {
      cause: error,
      headers: { 'Retry-After': '1' },
    });
  }
  if (isDatabaseUnavailable(error)) {
    return new HttpProblem('database-unavailable', 'nothing was answered for; send it again', {
      cause: error,
    });
  }
  const [problem, detail] = HTTP_ERRORS.get(httpStatus(error)) ?? [
    'internal-error',
    'the details are in the log, under the request id',
  ];
  return new HttpProblem(problem, detail, { cause: error });
}

function httpStatus(error: unknown): number {
  return error instanceof Error && 'status' in error && typeof error.status === 'number'
    ? error.status
    : 500;
}

/** What the log says of an error. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/**
 * An error for the log: not its other properties, where database errors carry the values of their
 * query, which are what senders sent.
 */
export function errorForLog(error: unknown): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an error' };
  return {
    type: error.name,
    message: error.message,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause instanceof Error && { cause: errorForLog(error.cause) }),
  };
}
