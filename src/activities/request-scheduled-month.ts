import { ApplicationFailure } from '@temporalio/common';
import type {
  RequestScheduledMonthInput,
  RequestScheduledMonthResult,
} from '../contracts/activity-types.ts';
import { FAILURE } from '../contracts/failures.ts';
import { WORKFLOWS } from '../contracts/month-end-types.ts';
import { whyNotClosable } from '../db/month-end/closable-months.ts';
import { answerOperatorAction, insertActionOnce } from '../db/month-end/operator-actions.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { requestMonthEnd } from '../temporal/month-end-client.ts';
import type { ActivityDeps } from './deps.ts';

const ACTOR = 'schedule';

/**
 * Requests the month before the *scheduled* time, so that a run that is days late still bills the intended month. The
 * request is recorded before it is sent. An activity, because workflow code has no signal-with-start.
 * @throws ApplicationFailure `invalid_input`, not retryable, if the month can't be closed
 */
export function requestScheduledMonth({ db, client, now }: ActivityDeps) {
  return async (input: RequestScheduledMonthInput): Promise<RequestScheduledMonthResult> => {
    const { scheduledFor, requestId, options } = input;
    const month = (await loadCalendar(db)).monthBefore(scheduledFor);
    const actionId = await insertActionOnce(db, {
      actor: ACTOR,
      keyId: null,
      channel: 'schedule',
      action: WORKFLOWS.scheduledMonthEnd,
      target: { month, request_id: requestId },
      input: { scheduled_for: scheduledFor },
      requestId,
    });
    const refusal = await whyNotClosable(db, month, now());
    const workflowId =
      refusal === null
        ? await requestMonthEnd(client, { month, requestId, actor: ACTOR, options })
        : null;
    if (actionId !== null) {
      await answerOperatorAction(db, actionId, {
        outcome: refusal === null ? 'done' : 'refused',
        status: refusal === null ? 0 : 1,
        detail: refusal,
      });
    }
    if (workflowId === null) {
      throw ApplicationFailure.nonRetryable(refusal, FAILURE.invalidInput);
    }
    return { month, workflowId };
  };
}
