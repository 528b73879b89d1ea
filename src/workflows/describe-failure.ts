import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import { FAILURE, type Failure } from '../contracts/failures.ts';

/** Why a tenant's workflow or one of its steps failed, in words that an operator can act on. */
export function describeFailure(error: unknown): Failure {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) {
    return { type: cause.type ?? FAILURE.failed, reason: cause.message };
  }
  if (cause instanceof TimeoutFailure) {
    return {
      type: FAILURE.timedOut,
      reason: "the tenant's workflow ran out of time: see its history for what it waited for",
    };
  }
  if (cause instanceof TerminatedFailure) {
    return { type: FAILURE.terminated, reason: "the tenant's workflow was terminated by hand" };
  }
  if (cause instanceof CancelledFailure) {
    return { type: FAILURE.cancelled, reason: "the tenant's workflow was cancelled by hand" };
  }
  if (cause instanceof WorkflowExecutionAlreadyStartedError) {
    return {
      type: FAILURE.alreadyRunning,
      reason: `workflow ${cause.workflowId} is running and not ours: wait for it or end it, then request the month again`,
    };
  }
  return {
    type: FAILURE.failed,
    reason: cause instanceof Error ? cause.message : String(cause),
  };
}

/** What went wrong, without the layers that only say where: "Activity task failed" helps nobody. */
function causeOf(error: unknown): unknown {
  const isLayer = error instanceof ChildWorkflowFailure || error instanceof ActivityFailure;
  return isLayer && error.cause ? causeOf(error.cause) : error;
}
