import { ApplyError, type Problem, type Remark } from '../../catalogue/apply-error.ts';
import { MAX_ERRORS } from '../../ingestion/field-errors.ts';
import { toPointer } from '../../lib/json-pointer.ts';
import {
  HttpProblem,
  invalidRequest,
  type ProblemName,
  type RequestError,
} from '../http/problems.ts';
import { z } from 'zod';
import { remarkSchema } from '../http/request-fields.ts';

/** The part of an import that a request body holds. */
export interface ApplyBody {
  /** Number of path steps that lead to it in a whole import: `tenants`, `0`, … */
  readonly depth: number;
  /** A field that the URL holds instead of the body. */
  readonly inUrl?: string;
}

/** The whole import. */
export const WHOLE_FILE: ApplyBody = { depth: 0 };
/** One plan version. */
export const PLAN_VERSION: ApplyBody = { depth: 4 };
export const TENANT: ApplyBody = { depth: 2 };
export const DEPLOYMENT: ApplyBody = { depth: 4, inUrl: 'deployment_id' };
export const SUBSCRIPTION: ApplyBody = { depth: 6, inUrl: 'subscription_id' };
export const SUBSCRIPTION_ADDON: ApplyBody = { depth: 8 };

/**
 * Applies an import. Errors that are wrong in any state become 422, conflicts with stored data 409.
 * @param conflict the problem for a conflict with stored data
 * @throws HttpProblem
 */
export async function answerApplyErrors<T>(
  conflict: ProblemName,
  body: ApplyBody,
  apply: () => Promise<T>,
): Promise<T> {
  try {
    return await apply();
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    throw toHttpProblem(error.problems, conflict, body);
  }
}

/** Converts a remark to a request error with a pointer into the body. */
export function toRequestError(body: ApplyBody, { path, message }: Remark): RequestError {
  const [field, ...deeper] = path.slice(body.depth);
  if (field === undefined) return { pointer: '', detail: message };
  if (field === body.inUrl) return { parameter: field, detail: message };
  return { pointer: toPointer([field, ...deeper]), detail: message };
}

function toHttpProblem(
  problems: readonly Problem[],
  conflict: ProblemName,
  body: ApplyBody,
): HttpProblem {
  const errors = problems.slice(0, MAX_ERRORS).map((problem) => toRequestError(body, problem));
  const problem = invalidRequest(errors);
  return problems.some(({ kind }) => kind === 'invalid')
    ? problem
    : new HttpProblem(conflict, problem.message, { errors });
}

export const warningsSchema = z.array(remarkSchema).meta({
  description:
    'Accepted, but needs attention: month end will park the tenant until this is fixed, or a month that is ' +
    'already invoiced or closed, or whose invoice is being built, may not match the subscriptions and need a rerun.',
  example: [
    {
      pointer: '/plan',
      detail: 'subscription acme-web-1 has no plan: month end will park tenant acme',
    },
    {
      pointer: '/ends_at',
      detail:
        'subscription acme-web-1 differs from what is invoiced for 2026-05 (acme-000001): check it ' +
        '(month-end preview 2026-05 --tenant acme --lines) and force a rerun ' +
        '(month-end force 2026-05 --tenant acme --reason ...)',
    },
  ],
});

export function toWarnings(body: ApplyBody, remarks: readonly Remark[]) {
  return remarks.map((remark) => {
    const { pointer = '', detail } = toRequestError(body, remark);
    return { pointer, detail };
  });
}
