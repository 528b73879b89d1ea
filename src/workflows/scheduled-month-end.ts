import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { RequestScheduledMonthResult } from '../contracts/activities.ts';
import type { ScheduledMonthEndInput } from '../contracts/month-end.ts';
import { BILLING_PERIOD } from '../contracts/search-attributes.ts';
import { temporal } from './activities.ts';
import { resolveOptions } from './options.ts';

const SCHEDULED_TIME = defineSearchAttributeKey(
  'TemporalScheduledStartTime',
  SearchAttributeType.DATETIME,
);

/**
 * What the Schedule starts: asks for the month before the scheduled time, and
 * ends. It stands between the Schedule and `monthEnd` because a Schedule adds a
 * time to its workflow's id, and a month needs one id that everyone can find.
 */
export async function scheduledMonthEnd(
  input?: ScheduledMonthEndInput | null,
): Promise<RequestScheduledMonthResult> {
  const info = workflowInfo();
  // Checked here too, so that a mistake shows where it was made.
  if (input?.options) resolveOptions(input.options);
  // Started by hand, without a Schedule: the time of the start.
  const scheduledFor = info.typedSearchAttributes.get(SCHEDULED_TIME) ?? info.startTime;
  const requested = await temporal.requestScheduledMonth({
    scheduledFor: scheduledFor.toISOString(),
    requestId: `schedule:${info.firstExecutionRunId}`,
    options: input?.options,
  });
  upsertSearchAttributes([{ key: BILLING_PERIOD, value: requested.month }]);
  return requested;
}
