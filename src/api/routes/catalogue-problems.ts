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

/** The part of an import that a request body holds. */
export interface FeedBody {
  /** Number of path steps that lead to it in a whole import: `tenants`, `0`, … */
  readonly depth: number;
  /** A field that the URL holds instead of the body. */
  readonly inUrl?: string;
}

/** The whole import. */
export const WHOLE_FEED: FeedBody = { depth: 0 };
/** One plan version. */
export const PLAN_VERSION: FeedBody = { depth: 4 };
export const TENANT: FeedBody = { depth: 2 };
export const DEPLOYMENT: FeedBody = { depth: 4, inUrl: 'deployment_id' };
export const SUBSCRIPTION: FeedBody = { depth: 6, inUrl: 'subscription_id' };
export const SUBSCRIPTION_ADDON: FeedBody = { depth: 8 };

/**
 * Applies an import. Errors that are wrong in any state become 422, conflicts with stored data 409.
 * @param conflict the problem for a conflict with stored data
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

/** Converts a remark to a request error with a pointer into the body. */
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
      pointer: z.string().describe('JSON pointer to the field in question.'),
      detail: z.string(),
    }),
  )
  .meta({
    description:
      'Accepted, but needs attention: month end will park the tenant until this is fixed, or a month that is ' +
      'already invoiced or closed no longer matches the subscriptions and needs a rerun.',
    example: [
      {
        pointer: '/plan',
        detail: 'subscription acme-web-1 has no plan: month end will park tenant acme',
      },
      {
        pointer: '/ends_at',
        detail:
          'subscription acme-web-1 is not in force at the end of 2026-05 any more, and invoice ' +
          'acme-000001 bills it: look at it (month-end preview 2026-05 --tenant acme --lines) and force a rerun',
      },
    ],
  });

export function toWarnings(body: FeedBody, remarks: readonly Remark[]) {
  return remarks.map((remark) => {
    const { pointer = '', detail } = toRequestError(body, remark);
    return { pointer, detail };
  });
}
