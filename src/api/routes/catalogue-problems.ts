import { FeedError, type Problem, type Remark } from '../../catalogue/feed-error.ts';
import { MAX_ERRORS } from '../../ingestion/field-errors.ts';
import { toPointer } from '../../lib/json-pointer.ts';
import {
  HttpProblem,
  invalidRequest,
  type ProblemName,
  type RequestError,
} from '../http/problems.ts';
import { z } from 'zod';

/** What of a feed is in the request's body. */
export interface FeedBody {
  /** How many steps of a path lead to it: `tenants`, `0`, … */
  readonly depth: number;
  /** A field that is in the URL instead. */
  readonly inUrl?: string;
}

/** All of it. */
export const WHOLE_FEED: FeedBody = { depth: 0 };
/** A plan version of a feed of one. */
export const PLAN_VERSION: FeedBody = { depth: 4 };
/** Likewise. */
export const TENANT: FeedBody = { depth: 2 };
export const DEPLOYMENT: FeedBody = { depth: 4, inUrl: 'deployment_id' };
export const SUBSCRIPTION: FeedBody = { depth: 6, inUrl: 'subscription_id' };
export const SUBSCRIPTION_ADDON: FeedBody = { depth: 8 };

/**
 * Applies a feed, and answers what is wrong with it: 422 where it can't be right anywhere, else 409.
 * @param conflict the problem where it doesn't go with what is stored
 * @throws HttpProblem
 */
export async function answerFeedErrors<T>(
  conflict: ProblemName,
  body: FeedBody,
  feed: () => Promise<T>,
): Promise<T> {
  try {
    return await feed();
  } catch (error) {
    if (!(error instanceof FeedError)) throw error;
    throw toHttpProblem(error.problems, conflict, body);
  }
}

/** A remark with its place in the body. */
export function toRequestError(body: FeedBody, { path, message }: Remark): RequestError {
  const [field, ...deeper] = path.slice(body.depth);
  if (field === undefined) return { pointer: '', detail: message };
  if (field === body.inUrl) return { parameter: field, detail: message };
  return { pointer: toPointer([field, ...deeper]), detail: message };
}

function toHttpProblem(
  problems: readonly Problem[],
  conflict: ProblemName,
  body: FeedBody,
): HttpProblem {
  const errors = problems.slice(0, MAX_ERRORS).map((problem) => toRequestError(body, problem));
  const problem = invalidRequest(errors);
  return problems.some(({ kind }) => kind === 'invalid')
    ? problem
    : new HttpProblem(conflict, problem.message, { errors });
}

export const warningsSchema = z
  .array(
    z.object({
      pointer: z.string().describe('JSON pointer to what it is about.'),
      detail: z.string(),
    }),
  )
  .meta({
    description:
      'Accepted, but month end will park the tenant until it is put right; or a month that is invoiced or ' +
      'closed is no longer billed as the subscriptions say, which takes a re-run.',
    example: [
      {
        pointer: '/plan',
        detail: 'subscription acme-web-1 has no plan: month end will park tenant acme',
      },
      {
        pointer: '/ends_at',
        detail:
          'subscription acme-web-1 is not in force at the end of 2026-05 any more, and invoice ' +
          'acme-000001 bills it: look at it (month-end preview 2026-05 --tenant acme --lines) and force a re-run',
      },
    ],
  });

export function toWarnings(body: FeedBody, remarks: readonly Remark[]) {
  return remarks.map((remark) => {
    const { pointer = '', detail } = toRequestError(body, remark);
    return { pointer, detail };
  });
}
