import type { Client } from '@temporalio/client';
import { NoScheduleError, describeSchedule } from './schedule.ts';

/** Long, because a slow server is not an unavailable one. */
const DESCRIBE_TIMEOUT_MS = 15_000;

/** The observable state of the Schedule. */
export interface ScheduleFacts {
  readonly isPaused: boolean;
  /** The operator's note, such as the reason for a pause. It may be confidential. */
  readonly note: string | null;
  readonly workflowType: string;
  readonly taskQueue: string;
  /** The next few times, in order, computed from the definition. They don't prove that the Schedule works. */
  readonly nextActionTimes: readonly Date[];
  /** The scheduled times of the latest firings, including triggers and backfills. */
  readonly recentActionTimes: readonly Date[];
  /** When it was created or last updated. */
  readonly definedAt: Date;
}

/**
 * Returns the state of the Schedule; null if there is none.
 * @throws the client's errors, including that the server doesn't answer in time
 */
export async function readSchedule(
  client: Client,
  timeoutMs = DESCRIBE_TIMEOUT_MS,
): Promise<ScheduleFacts | null> {
  try {
    const { state, action, info } = await client.withDeadline(Date.now() + timeoutMs, () =>
      describeSchedule(client),
    );
    return {
      isPaused: state.paused,
      note: state.note ?? null,
      workflowType: action.workflowType,
      taskQueue: action.taskQueue,
      nextActionTimes: info.nextActionTimes,
      recentActionTimes: info.recentActions.map(({ scheduledAt }) => scheduledAt),
      definedAt: info.lastUpdatedAt ?? info.createdAt,
    };
  } catch (error) {
    if (error instanceof NoScheduleError) return null;
    throw error;
  }
}

/** The state of one of the Schedules beside the month end's. */
export type OtherSchedule = Pick<ScheduleFacts, 'isPaused' | 'note'> & {
  readonly next: Date | null;
};

/**
 * Returns whether the Schedule of the daily notices or of the usage sweep is paused, and when it fires next; null if it
 * doesn't exist.
 */
export async function readOtherSchedule(
  client: Client,
  scheduleId: string,
): Promise<OtherSchedule | null> {
  try {
    const { state, info } = await describeSchedule(client, scheduleId);
    const [next = null] = info.nextActionTimes;
    return { isPaused: state.paused, note: state.note ?? null, next };
  } catch (error) {
    if (error instanceof NoScheduleError) return null;
    throw error;
  }
}
