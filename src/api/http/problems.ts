import { z } from 'zod';

/** What the documentation says of a problem. */
interface ProblemDefinition {
  readonly status: number;
  /** What it is; the same every time. */
  readonly title: string;
  /** What a client should do about it. */
  readonly advice: string;
  /** A `detail` as it may come, for the documentation. */
  readonly example: string;
}

/** Every problem that the API reports (RFC 9457). The names are stable: clients switch on them. */
export const PROBLEMS = {
  'malformed-request': {
    status: 400,
    title: 'The request cannot be read',
    advice: 'Mend the JSON or the URL; the same again is refused again.',
    example: 'the request is not well formed: check the JSON and the URL',
  },
  unauthenticated: {
    status: 401,
    title: 'A valid API key is required',
    advice: 'Check the key: it is missing, unknown or revoked. Nothing was stored.',
    example: 'the API key is unknown or revoked',
  },
  'invalid-signature': {
    status: 401,
    title: 'The request is not signed as this API key has to',
    advice: 'Sign the bytes that are sent, with a live secret and the present time.',
    example: 'too old: the timestamp is more than 300 seconds behind',
  },
  forbidden: {
    status: 403,
    title: 'This API key may not do that',
    advice: 'Use a key of the scope that the operation names.',
    example: 'this needs a key with the scope operator, not tenant',
  },
  'not-found': {
    status: 404,
    title: 'There is no such thing here, or it is not yours',
    advice: 'Check the id; a tenant never learns whether another one has it.',
    example: 'there is no such invoice',
  },
  'method-not-allowed': {
    status: 405,
    title: 'This path does not know the method',
    advice: 'Use one of the methods in the Allow header.',
    example: 'this path takes GET and HEAD',
  },
  'request-timeout': {
    status: 408,
    title: 'The request did not come in time',
    advice: 'Send the whole body within 30 seconds; nothing of it was stored.',
    example: 'the body did not arrive within 30 s',
  },
  'usage-conflict': {
    status: 409,
    title: 'The id was used before for another event',
    advice: 'The first event stays. A new event needs a new id; do not send this one again.',
    example: 'the id was accepted before with another content, which stays',
  },
  'request-conflict': {
    status: 409,
    title: 'The id was used before for another request',
    advice: 'Use a new request_id for a new request.',
    example: 'request_id close-2026-05 was used before for 2026-05 with another content',
  },
  'status-conflict': {
    status: 409,
    title: 'The invoice cannot change to this status',
    advice: 'Read the invoice: it is paid, void or superseded already.',
    example: 'the invoice is superseded: its successor is the one that stands',
  },
  'exclusion-conflict': {
    status: 409,
    title: 'The event cannot be excluded',
    advice: 'Read the detail: a record that was replaced is excluded through its replacement.',
    example: 'the record was replaced: exclude the one that took its place',
  },
  'catalogue-conflict': {
    status: 409,
    title: 'A plan version is never edited',
    advice: 'Make a new version, and start subscriptions on it.',
    example:
      'version 1 of plan studio exists with another content and is immutable: make version 2',
  },
  'feed-conflict': {
    status: 409,
    title: 'This does not go with what is stored',
    advice: 'Read what is stored, decide which of the two is right, and send that.',
    example: "/currency: tenant acme is billed in AUD, which can't change",
  },
  'seller-unknown': {
    status: 409,
    title: 'It is not known yet who sells',
    advice: 'An operator says so, by `seller apply`; then ask again.',
    example: 'it is not known yet who sells: `seller apply FILE` says so',
  },
  'too-large': {
    status: 413,
    title: 'The request is too large',
    advice:
      'Send less at once: at most 1,000 events in 2 MiB, or as many entries and bytes as the operation says.',
    example: 'a batch has at most 1000 entries, this one has 1001',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is of a type that this does not take',
    advice:
      'Send Content-Type: application/json, in UTF-8, plain or compressed by gzip or deflate.',
    example: 'send Content-Type: application/json',
  },
  'invalid-request': {
    status: 422,
    title: 'The request is not valid',
    advice: 'Mend the places in errors; the same again is refused again.',
    example: '/charge_cents: expected a decimal as a string, such as "0.25"',
  },
  'correction-early': {
    status: 425,
    title: 'The corrected record has not come yet',
    advice: 'Nothing was stored. Wait as long as Retry-After says, then send the same again.',
    example: 'replaces: there is no record "meter-2026-05-20-0001" yet',
  },
  'rate-limited': {
    status: 429,
    title: 'Too many requests',
    advice: 'Wait as long as Retry-After says, then send the same again.',
    example: 'at most 6000 requests a minute and key',
  },
  'headers-too-large': {
    status: 431,
    title: 'The request has too many headers, or too large ones',
    advice: 'Send at most 100 headers of 16 KiB in all.',
    example: 'a request may have 100 headers, of 16 KiB in all',
  },
  'internal-error': {
    status: 500,
    title: 'Something went wrong on our side',
    advice: 'Send the same again a few times; then tell us the request_id.',
    example: 'the details are in the log, under the request id',
  },
  overloaded: {
    status: 503,
    title: 'Too much at once: send it again later',
    advice: 'Nothing was stored. Wait as long as Retry-After says, then send the same again.',
    example: 'nothing of this request was stored; send it again',
  },
  'database-unavailable': {
    status: 503,
    title: 'The database cannot be reached',
    advice:
      'Wait as long as Retry-After says, then send the same again: what was stored counts once.',
    example: 'nothing was answered for; send it again',
  },
  'signatures-unavailable': {
    status: 503,
    title: 'Signatures cannot be checked',
    advice: 'Tell the operators: the key has to sign, and this installation lacks its secrets.',
    example: 'signatures cannot be checked here; the log says why',
  },
  'signing-unavailable': {
    status: 503,
    title: 'Events cannot be signed',
    advice:
      'Tell the operators: this installation lacks the secrets that webhooks are signed with.',
    example: 'events cannot be signed here; the log says why',
  },
  'temporal-unavailable': {
    status: 503,
    title: 'The Temporal server cannot be reached',
    advice: 'Wait as long as Retry-After says, then send the same again, with the same request_id.',
    example: 'the request may or may not have arrived; send it again with the same request_id',
  },
} as const satisfies Record<string, ProblemDefinition>;

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
