import type {
  RequestScheduledMonthInput,
  RequestScheduledMonthResult,
} from '../contracts/activities.ts';
import { monthBefore } from '../domain/period.ts';
import { requestMonthEnd } from '../temporal/month-end.ts';
import type { ActivityDeps } from './deps.ts';

/**
 * Asks for the month before the *scheduled* time: a run that is days late bills
 * the month that it was scheduled for. An activity, because workflow code has no
 * signal-with-start.
 */
export function requestScheduledMonth({ client }: ActivityDeps) {
  return async (input: RequestScheduledMonthInput): Promise<RequestScheduledMonthResult> => {
    const month = monthBefore(input.scheduledFor);
    const workflowId = await requestMonthEnd(client, {
      month,
      requestId: input.requestId,
      actor: 'schedule',
      options: input.options,
    });
    return { month, workflowId };
  };
}
