import { z } from 'zod';

/** A problem as the documentation describes it. */
interface ProblemDefinition {
  readonly status: number;
  /** Constant for each problem. */
  readonly title: string;
  /** What a client should do about it. */
  readonly advice: string;
  /** An example of `detail`, for the documentation. */
  readonly example: string;
}

/** Every problem that the API reports (RFC 9457). Names never change, because clients switch on them. */
export const PROBLEMS = {
  'malformed-request': {
    status: 400,
    title: 'The request cannot be read',
    advice: 'Fix the JSON or the URL. An unchanged retry is rejected again.',
    example: 'the request is malformed: check the JSON and the URL',
  },
  unauthenticated: {
    status: 401,
    title: 'A valid API key is required',
    advice: 'Check the key: it is missing, unknown, expired or revoked. Nothing was stored.',
    example: 'the API key is unknown or revoked',
  },
  'invalid-signature': {
    status: 401,
    title: 'The request signature is missing or invalid',
    advice: 'Sign the exact bytes you send, with a live secret and the current time.',
    example: 'too old: the timestamp is more than 300 seconds behind',
  },
  forbidden: {
    status: 403,
    title: 'This API key is not allowed to do that',
    advice: 'Use a key with a scope that the operation lists.',
    example: 'this needs a key with the scope operator, not tenant',
  },
  'not-found': {
    status: 404,
    title: 'Not found, or not visible to this API key',
    advice: 'Check the id. Tenant keys see only data of their own tenant.',
    example: 'there is no such invoice',
  },
  'method-not-allowed': {
    status: 405,
    title: 'The path does not support this method',
    advice: 'Use one of the methods in the Allow header.',
    example: 'this path supports GET and HEAD',
  },
  'request-timeout': {
    status: 408,
    title: 'The request took too long to arrive',
    advice: 'Send the whole body within 30 seconds. Nothing was stored.',
    example: 'the body did not arrive within 30 s',
  },
  'usage-conflict': {
    status: 409,
    title: 'The id was already used for a different event',
    advice: 'The first event stays. Use a new id for a new event, and do not send this one again.',
    example:
      'gateway_request_id "req_8f14e45f" was already used for an event with different content',
  },
  'request-conflict': {
    status: 409,
    title: 'The id was already used for a different request',
    advice: 'Use a new request_id for a new request.',
    example: 'request_id close-2026-05 was already used for 2026-05 with different content',
  },
  'status-conflict': {
    status: 409,
    title: 'The invoice cannot change to this status',
    advice: 'Read the invoice: it was superseded. Use the revision that replaced it.',
    example: 'invoice acme-000001 was replaced by acme-000002: void that one',
  },
  'invoice-settled': {
    status: 409,
    title: 'The invoice is settled',
    advice:
      'It has a payment or an adjustment note, so it stays. Force a rerun of its month or credit a line: either issues ' +
      'an adjustment note.',
    example: 'invoice acme-000001 is settled, because it has a payment or an adjustment note',
  },
  'payment-conflict': {
    status: 409,
    title: 'The payment_id was already used for another payment',
    advice: 'The first payment stays. Use a new payment_id for another payment.',
    example: 'the id bank-2026-06-12-4711 was already used for another payment',
  },
  'exclusion-conflict': {
    status: 409,
    title: 'The event cannot be excluded',
    advice: 'Read the detail. If the record was replaced, exclude its replacement.',
    example: 'record meter-2026-05-20-0001 was replaced by meter-2026-05-20-0002: exclude that one',
  },
  'credit-conflict': {
    status: 409,
    title: 'The line cannot be credited',
    advice: 'Read the detail: less is left of the line, or its invoice was replaced or voided.',
    example: 'only AUD 5.00 is left to credit on line 3 of acme-000007: AUD 12.50 is too much',
  },
  'catalogue-conflict': {
    status: 409,
    title: 'Plan versions and units cannot be changed',
    advice: 'Create a new version, and start subscriptions on it. For a unit, define another code.',
    example:
      'version 1 of plan studio exists with different content and is immutable: create version 2',
  },
  'data-conflict': {
    status: 409,
    title: 'The request conflicts with stored data',
    advice: 'Compare the request with the stored data, decide which is right, and send that.',
    example: "/currency: tenant acme is billed in AUD, which can't change",
  },
  'seller-unknown': {
    status: 409,
    title: 'No seller details exist yet',
    advice: 'An operator sets them with `seller apply`. Then retry.',
    example: 'no seller details exist yet: set them with `seller apply FILE`',
  },
  'too-large': {
    status: 413,
    title: 'The request is too large',
    advice:
      'Send less at once: at most 1,000 events in 2 MiB, or what the operation states as its limits.',
    example: 'a batch can have at most 1000 entries, this one has 1001',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The media type of the body is not supported',
    advice:
      'Send Content-Type: application/json in UTF-8, uncompressed or compressed with gzip or deflate.',
    example: 'send Content-Type: application/json',
  },
  'invalid-request': {
    status: 422,
    title: 'The request is not valid',
    advice: 'Fix what `errors` lists. An unchanged retry is rejected again.',
    example: '/charge_cents: expected a decimal as a string, such as "0.25"',
  },
  'correction-early': {
    status: 425,
    title: 'The corrected record has not arrived yet',
    advice: 'Nothing was stored. Send the same request again after Retry-After.',
    example: 'replaces: there is no record "meter-2026-05-20-0001" yet',
  },
  'rate-limited': {
    status: 429,
    title: 'Too many requests',
    advice: 'Send the same request again after Retry-After.',
    example: 'more than 6000 requests per minute with this key',
  },
  'headers-too-large': {
    status: 431,
    title: 'The request has too many headers, or they are too large',
    advice: 'Send at most 100 headers, 16 KiB in total.',
    example: 'a request can have at most 100 headers',
  },
  'internal-error': {
    status: 500,
    title: 'Something went wrong on our side',
    advice: 'Retry a few times. If it still fails, tell us the request_id.',
    example: 'the log has the details under this request id',
  },
  overloaded: {
    status: 503,
    title: 'The server is overloaded',
    advice: 'Nothing was stored. Send the same request again after Retry-After.',
    example: 'nothing was stored; send the request again',
  },
  'database-unavailable': {
    status: 503,
    title: 'The database is not reachable',
    advice:
      'Send the same request again after Retry-After. Anything already stored is counted once.',
    example: 'the outcome is unknown; send the request again',
  },
  'signatures-unavailable': {
    status: 503,
    title: 'Signatures cannot be verified',
    advice:
      'Tell the operators: this key must sign its requests, but the installation has no signing secrets.',
    example: 'signatures cannot be verified; the log has the reason',
  },
  'signing-unavailable': {
    status: 503,
    title: 'Events cannot be signed',
    advice: 'Tell the operators: the installation has no secrets to sign webhooks with.',
    example: 'events cannot be signed; the log has the reason',
  },
  'temporal-unavailable': {
    status: 503,
    title: 'The Temporal server is not reachable',
    advice: 'Send the same request again after Retry-After, with the same request_id.',
    example: 'the request may or may not have arrived; send it again with the same request_id',
  },
} as const satisfies Record<string, ProblemDefinition>;

export type ProblemName = keyof typeof PROBLEMS;

/** One error in a request. */
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

/** Thrown anywhere below a route; the response carries it as problem details. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly problem: ProblemName;
  readonly errors: readonly RequestError[];
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail what happened in this case, in words that the sender can act on */
  constructor(problem: ProblemName, detail: string, options: ProblemOptions = {}) {
    super(detail, options);
    this.problem = problem;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }
}

/** Returns the problem for a request that was readable but breaks a rule in the given places. */
export function invalidRequest(errors: readonly RequestError[]): HttpProblem {
  const detail = errors
    .map((error) => {
      const place = error.parameter ?? error.pointer ?? '';
      return place === '' ? error.detail : `${place}: ${error.detail}`;
    })
    .join('; ');
  return new HttpProblem('invalid-request', detail, { errors });
}

/** Returns the problem's `type`: a URN to compare with, not a URL to fetch. */
export function problemType(name: ProblemName): string {
  return `urn:arcadia:problem:${name}`;
}

/** Problem details as the API returns them. */
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
    detail: z.string().describe('What happened in this case.'),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().describe('JSON pointer into the body.'),
          parameter: z.string().optional().describe('Parameter of the path or the query.'),
          detail: z.string(),
        }),
      )
      .optional(),
    request_id: z.string().describe('Quote it when you ask for help; the logs contain it.'),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457).' });

/** Returns the response body for a problem. */
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
