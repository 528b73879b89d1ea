import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { RequestScheduledMonthResult } from '../contracts/activity-types.ts';
import type { ScheduledMonthEndInput } from '../contracts/month-end-types.ts';
import { BILLING_PERIOD } from '../contracts/ids.ts';
import { temporal } from './activity-proxies.ts';
import { resolveOptions } from './options.ts';

const SCHEDULED_TIME = defineSearchAttributeKey(
  'TemporalScheduledStartTime',
  SearchAttributeType.DATETIME,
);

/**
 * The workflow that the Schedule starts. It requests the month before the scheduled time, and ends. The Schedule can't
 * start `monthEnd` itself: it adds a time to the workflow id, and a month needs one predictable id.
 */
export async function scheduledMonthEnd(
  input?: ScheduledMonthEndInput | null,
): Promise<RequestScheduledMonthResult> {
  const info = workflowInfo();
  // `monthEnd` checks them too, but an operator looks for the mistake here.
  if (input?.options) resolveOptions(input.options);
  // Without a Schedule, started by hand: the start time.
  const scheduledFor = info.typedSearchAttributes.get(SCHEDULED_TIME) ?? info.startTime;
  const requested = await temporal.requestScheduledMonth({
    scheduledFor: scheduledFor.toISOString(),
    requestId: `schedule:${info.firstExecutionRunId}`,
    options: input?.options,
  });
  upsertSearchAttributes([{ key: BILLING_PERIOD, value: requested.month }]);
  return requested;
}
