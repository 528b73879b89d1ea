import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../contracts/failures.ts';
import type { DraftRef, TenantResult } from '../contracts/month-end.ts';
import { whyNotClosable } from '../db/month-end/closable-months.ts';
import type { Queryable } from '../db/pool.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import { DomainError } from '../domain/errors.ts';
import { periodOf, type Month, type Period } from '../domain/period.ts';
import { parked } from './results.ts';

/**
 * The period of a month that a workflow was given.
 * @throws ApplicationFailure, not retryable: no retry mends an input
 */
export function requirePeriod(month: string): Period {
  try {
    return periodOf(month);
  } catch (error) {
    if (error instanceof DomainError) {
      throw ApplicationFailure.nonRetryable(error.message, FAILURE.invalidInput);
    }
    throw error;
  }
}

/** @throws ApplicationFailure, not retryable, where the month isn't over or has nothing to bill */
export async function requireClosable(db: Queryable, month: Month, now: Date): Promise<void> {
  const reason = await whyNotClosable(db, month, now);
  if (reason !== null) throw ApplicationFailure.nonRetryable(reason, FAILURE.invalidInput);
}

/** Splits drafts into those that are still this run's to write, and what becomes of the others' tenants. */
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
          reason: `draft ${draftId} of tenant ${tenantId} is no longer this run's: another run of the month has taken it over, and its outcome counts`,
        }),
      ),
  };
}

/**
 * Wraps a step of a tenant's invoice. A database that is away or busy is worth
 * trying again. Any other error would come back each time: it fails the tenant's
 * workflow at once, with its reason, so that the tenant is parked where everybody
 * sees it instead of being retried in silence until it runs out of time.
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

/** Slonik says what kind of error it was, its cause what PostgreSQL said. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error.message}${cause}`;
}
