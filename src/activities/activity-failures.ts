import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../contracts/failures.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end-types.ts';
import { whyNotClosable } from '../db/month-end/closable-months.ts';
import type { Queryable } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import { DomainError } from '../domain/errors.ts';
import type { Month, Period } from '../domain/period.ts';
import { parked } from './tenant-results.ts';

/**
 * The period of the month in a workflow's input.
 * @throws ApplicationFailure, not retryable, if the month is invalid
 */
export async function requirePeriod(db: Queryable, month: string): Promise<Period> {
  const calendar = await loadCalendar(db);
  try {
    return calendar.periodOf(month);
  } catch (error) {
    if (error instanceof DomainError) {
      throw ApplicationFailure.nonRetryable(error.message, FAILURE.invalidInput);
    }
    throw error;
  }
}

/** @throws ApplicationFailure, not retryable, if the month isn't over or has nothing to bill */
export async function requireClosable(db: Queryable, month: Month, now: Date): Promise<void> {
  const reason = await whyNotClosable(db, month, now);
  if (reason !== null) throw ApplicationFailure.nonRetryable(reason, FAILURE.invalidInput);
}

/** Splits drafts into those that this run still owns, and the parked results of the others. */
export function splitLost<Draft extends DraftRef>(
  drafts: readonly Draft[],
  isOwn: (draft: Draft) => boolean,
): { readonly own: readonly Draft[]; readonly lost: readonly TenantResult[] } {
  return {
    own: drafts.filter(isOwn),
    lost: drafts
      .filter((draft) => !isOwn(draft))
      .map(({ tenantId, draftId }) =>
        parked(tenantId, {
          type: FAILURE.draftLost,
          reason: `another run of the month has taken over draft ${draftId} of tenant ${tenantId}, and its outcome counts`,
        }),
      ),
  };
}

/**
 * Wraps a step of a tenant's invoice so that only an unavailable or busy database is retried. Any other error would
 * recur: it fails the tenant's workflow at once with its reason, which parks the tenant visibly instead of retrying
 * silently until the timeout.
 */
export function withoutVainRetries<Input, Result>(
  activity: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    try {
      return await activity(input);
    } catch (error) {
      if (error instanceof ApplicationFailure || isDatabaseUnavailable(error)) throw error;
      throw ApplicationFailure.create({
        message: reasonOf(error),
        type: FAILURE.failed,
        nonRetryable: true,
        ...(error instanceof Error && { cause: error }),
      });
    }
  };
}

/** The message of an error and of its cause: slonik's errors have PostgreSQL's message in the cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error.message}${cause}`;
}
