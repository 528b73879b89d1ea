import { isDatabaseUnavailable } from '../../db/unavailable.ts';
import { OverloadedError } from '../../lib/group-commit.ts';
import { errorForLog, type Logger } from '../../lib/logger.ts';
import { HttpProblem, PROBLEMS, type ProblemName } from './problems.ts';

/** Problems for errors of Express and its body parser, by status. */
const HTTP_ERRORS: ReadonlyMap<number, readonly [ProblemName, string]> = new Map([
  [400, ['malformed-request', 'the request is malformed: check the JSON and the URL']],
  [413, ['too-large', 'the body is larger than this operation accepts: send less at once']],
  [
    415,
    [
      'unsupported-media-type',
      'send JSON in UTF-8, uncompressed or compressed with gzip or deflate',
    ],
  ],
]);

/** Converts an error like `toProblem`, and logs it if the fault is ours. */
export function toLoggedProblem(error: unknown, logger: Logger): HttpProblem {
  const problem = toProblem(error);
  if (PROBLEMS[problem.problem].status >= 500) {
    logger.error({ error: errorForLog(error) }, problem.message);
  }
  return problem;
}

/** Converts a thrown error to a problem. An unexpected one becomes `internal-error`, its cause only logged. */
export function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof OverloadedError) {
    return new HttpProblem('overloaded', 'nothing was stored; send the request again', {
      cause: error,
      headers: { 'Retry-After': '1' },
    });
  }
  if (isDatabaseUnavailable(error)) {
    return new HttpProblem(
      'database-unavailable',
      'the outcome is unknown; send the request again',
      {
        cause: error,
      },
    );
  }
  const [problem, detail] = HTTP_ERRORS.get(httpStatus(error)) ?? [
    'internal-error',
    'the log has the details under this request id',
  ];
  return new HttpProblem(problem, detail, { cause: error });
}

function httpStatus(error: unknown): number {
  return error instanceof Error && 'status' in error && typeof error.status === 'number'
    ? error.status
    : 500;
}
