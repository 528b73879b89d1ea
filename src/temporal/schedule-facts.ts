import type { Client } from '@temporalio/client';
import { NoScheduleError, describeSchedule } from './schedule.ts';

/** A server that is slow is not one that is away. */
const DESCRIBE_TIMEOUT_MS = 15_000;

/** What can be told of the Schedule from outside. */
export interface ScheduleFacts {
  readonly isPaused: boolean;
  /** Why somebody paused it; what they wrote is not for everybody. */
  readonly note: string | null;
  readonly workflowType: string;
  readonly taskQueue: string;
  /** The next few, in order; as computed from its definition: they say nothing of whether it lives. */
  readonly nextActionTimes: readonly Date[];
  /** What the latest firings were scheduled for, triggers and backfills included. */
  readonly recentActionTimes: readonly Date[];
  /** When it became what it is: created, or last updated. */
  readonly definedAt: Date;
}

/**
 * Null where there is no Schedule.
 * @throws the client's errors, also where the server doesn't answer in time
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
