import { PROBLEMS, type ProblemName } from './problems.ts';
import type { RouteDefinition } from './route-definition.ts';

/** A header in the OpenAPI document. A type, because an interface does not fit the library's index signature. */
export type HeaderDocument = Readonly<{
  description: string;
  required: boolean;
  schema: { type: 'string' | 'integer'; minimum?: number; pattern?: string };
  example: string | number;
}>;

const REQUEST_ID: HeaderDocument = {
  description:
    'The request id in the logs: the one you sent (1 to 128 of A-Z a-z 0-9 _ . : -), otherwise a generated one.',
  required: true,
  schema: { type: 'string', pattern: '^[A-Za-z0-9_.:-]{1,128}$' },
  example: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
};

/** On every counted response. Not required, because some rejections happen before counting. */
const RATE_LIMIT: Readonly<Record<string, HeaderDocument>> = {
  RateLimit: {
    description: 'Requests left in the window, and seconds until it resets (IETF draft 8).',
    required: false,
    schema: { type: 'string' },
    example: '"key"; r=5999; t=60',
  },
  'RateLimit-Policy': {
    description: 'Requests allowed per window, and the window length in seconds.',
    required: false,
    schema: { type: 'string' },
    example: '"key"; q=6000; w=60; pk=:MmYyNTA0ZTA0Zjg5:',
  },
};

const RETRY_AFTER: HeaderDocument = {
  description: 'Seconds to wait before sending the same request again.',
  required: true,
  schema: { type: 'integer', minimum: 0 },
  example: 1,
};

const WWW_AUTHENTICATE: HeaderDocument = {
  description: 'How to authenticate.',
  required: true,
  schema: { type: 'string' },
  example: 'Bearer realm="arcadia-invoicing"',
};

/**
 * Returns the documented headers of a route's response.
 * @param problem the problem that the response carries; null for a success
 */
export function answerHeaders(
  { rateLimited }: Pick<RouteDefinition, 'rateLimited'>,
  problem: ProblemName | null,
): Record<string, HeaderDocument> {
  const status = problem && PROBLEMS[problem].status;
  return {
    'X-Request-Id': REQUEST_ID,
    ...(rateLimited && status !== 401 && status !== 403 && RATE_LIMIT),
    ...(status === 401 && { 'WWW-Authenticate': WWW_AUTHENTICATE }),
    ...((status === 425 || status === 429 || status === 503) && { 'Retry-After': RETRY_AFTER }),
  };
}

/** Returns the documented headers of the response that documents all common problems, whose status varies. */
export function commonProblemHeaders(): Record<string, HeaderDocument> {
  const sometimes = (header: HeaderDocument, when: string) => ({
    ...header,
    description: `${when}: ${header.description}`,
    required: false,
  });
  return {
    'X-Request-Id': REQUEST_ID,
    ...RATE_LIMIT,
    'WWW-Authenticate': sometimes(WWW_AUTHENTICATE, 'With 401'),
    'Retry-After': sometimes(RETRY_AFTER, 'With 429 and 503'),
  };
}
