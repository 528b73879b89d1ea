import { z } from 'zod';

/** Every problem that the API reports (RFC 9457). The names are stable: clients switch on them. */
export const PROBLEMS = {
  'malformed-request': { status: 400, title: 'The request cannot be read' },
  unauthenticated: { status: 401, title: 'A valid API key is required' },
  'invalid-signature': { status: 401, title: 'The request is not signed as this API key has to' },
  forbidden: { status: 403, title: 'This API key may not do that' },
  'not-found': { status: 404, title: 'There is no such thing here, or it is not yours' },
  'method-not-allowed': { status: 405, title: 'This path does not know the method' },
  'usage-conflict': { status: 409, title: 'The id was used before for another event' },
  'request-conflict': { status: 409, title: 'The id was used before for another request' },
  'status-conflict': { status: 409, title: 'The invoice cannot change to this status' },
  'exclusion-conflict': { status: 409, title: 'The event cannot be excluded' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The body is not JSON in UTF-8' },
  'invalid-request': { status: 422, title: 'The request is not valid' },
  'rate-limited': { status: 429, title: 'Too many requests with this API key' },
  'internal-error': { status: 500, title: 'Something went wrong on our side' },
  overloaded: { status: 503, title: 'Too much at once: send it again later' },
  'signatures-unavailable': { status: 503, title: 'Signatures cannot be checked' },
  'database-unavailable': { status: 503, title: 'The database cannot be reached' },
  'temporal-unavailable': { status: 503, title: 'The Temporal server cannot be reached' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemName = keyof typeof PROBLEMS;

/** One mistake in a request. */
export interface RequestError {
  /** JSON pointer into the body; empty for the body itself. */
  readonly pointer?: string;
  /** Parameter of the path or the query. */
  readonly parameter?: string;
  readonly detail: string;
}

export interface ProblemOptions extends ErrorOptions {
  readonly errors?: readonly RequestError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown anywhere below a route, answered as problem details. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly problem: ProblemName;
  readonly errors: readonly RequestError[];
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail what happened this time, for the sender to act on */
  constructor(problem: ProblemName, detail: string, options: ProblemOptions = {}) {
    super(detail, options);
    this.problem = problem;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }
}

/** The request was understood and is wrong in these places. */
export function invalidRequest(errors: readonly RequestError[]): HttpProblem {
  const detail = errors
    .map((error) => {
      const place = error.parameter ?? error.pointer ?? '';
      return place === '' ? error.detail : `${place}: ${error.detail}`;
    })
    .join('; ');
  return new HttpProblem('invalid-request', detail, { errors });
}

/** Where a problem's name is documented and compared; it is a name, nothing is to be fetched. */
export function problemType(name: ProblemName): string {
  return `urn:arcadia:problem:${name}`;
}

/** Problem details as they are served. */
export const problemSchema = z
  .object({
    type: z.enum(
      Object.keys(PROBLEMS).map((name) => problemType(name as ProblemName)) as [
        string,
        ...string[],
      ],
    ),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What happened this time.'),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().describe('JSON pointer into the body.'),
          parameter: z.string().optional().describe('Parameter of the path or the query.'),
          detail: z.string(),
        }),
      )
      .optional(),
    request_id: z.string().describe('Quote it when you ask for help; our logs have it.'),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457).' });

/** The body of a problem's answer. */
export function problemBody(
  { problem, message, errors }: HttpProblem,
  requestId: string,
): z.infer<typeof problemSchema> {
  const { title, status } = PROBLEMS[problem];
  return {
    type: problemType(problem),
    title,
    status,
    detail: message,
    ...(errors.length > 0 && { errors: [...errors] }),
    request_id: requestId,
  };
}
