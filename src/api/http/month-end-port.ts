import { ServiceError, type Client } from '@temporalio/client';
import type { MonthEndProgress } from '../../contracts/month-end-types.ts';
import type { Month } from '../../domain/period.ts';
import {
  queryProgress,
  requestMonthEnd,
  tellRelease,
  type CommittedRelease,
  type MonthEndRequest,
} from '../../temporal/month-end-client.ts';
import { readMonthRun, type MonthRun } from '../../temporal/month-runs.ts';
import { SearchAttributesError } from '../../temporal/search-attributes.ts';

/** How long each call may take, in milliseconds. */
const TIMEOUTS = {
  request: 10_000,
  /** Only for the workflow's details; the caller has its result. */
  tellRelease: 2_000,
  /** A query waits for a worker, and the rest of the response does not depend on it. */
  progress: 3_000,
  check: 2_000,
};

/** The Temporal server did not answer in time, or returned an error. */
export class TemporalUnavailableError extends Error {
  override readonly name = 'TemporalUnavailableError';
}

/** The API's access to the month-end workflows. */
export interface MonthEndPort {
  /**
   * Signals the month's workflow, and starts it if needed.
   * @returns the workflow's id
   * @throws TemporalUnavailableError
   */
  request(request: MonthEndRequest): Promise<string>;
  /**
   * Tells the month's workflow, if it runs, about a release that is committed.
   * @throws TemporalUnavailableError
   */
  tellRelease(release: CommittedRelease): Promise<void>;
  /**
   * Returns the workflow's progress; null if the month has no workflow.
   * @throws TemporalUnavailableError, also if no worker answers
   */
  progress(month: Month): Promise<MonthEndProgress | null>;
  /**
   * Returns what Temporal knows of the month's requests; null if no worker answers.
   * @throws TemporalUnavailableError
   */
  run(month: Month): Promise<MonthRun | null>;
  /** Checks that the server is reachable. @throws TemporalUnavailableError */
  check(): Promise<void>;
}

export function createMonthEndPort(client: Client, timeouts = TIMEOUTS): MonthEndPort {
  async function within<T>(timeoutMs: number, call: () => Promise<T>): Promise<T> {
    try {
      return await client.withDeadline(Date.now() + timeoutMs, call);
    } catch (error) {
      if (!isTemporalError(error)) throw error;
      throw new TemporalUnavailableError(error.message, { cause: error });
    }
  }
  return {
    request: (request) => within(timeouts.request, () => requestMonthEnd(client, request)),
    tellRelease: (release) => within(timeouts.tellRelease, () => tellRelease(client, release)),
    progress: (month) => within(timeouts.progress, () => queryProgress(client, month)),
    run: (month) => within(timeouts.progress, () => readMonthRun(client, month)),
    async check() {
      const { namespace } = client.options;
      await within(timeouts.check, () => client.workflowService.describeNamespace({ namespace }));
    },
  };
}

/** The client wraps gRPC errors; its connection passes them through, with `code` and `details`. */
function isTemporalError(error: unknown): error is Error {
  return (
    error instanceof ServiceError ||
    error instanceof SearchAttributesError ||
    (error instanceof Error && 'code' in error && 'details' in error)
  );
}
