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

/** The type and reason of a failed tenant workflow or step, as a sentence that an operator can act on. */
export function describeFailure(error: unknown): Failure {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure) {
    return { type: cause.type ?? FAILURE.failed, reason: cause.message };
  }
  if (cause instanceof TimeoutFailure) {
    return {
      type: FAILURE.timedOut,
      reason: "the tenant's workflow timed out: its history shows what it waited for",
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
      reason: `another workflow with the id ${cause.workflowId} is running: wait for it to end or terminate it, then request the month again`,
    };
  }
  return {
    type: FAILURE.failed,
    reason: cause instanceof Error ? cause.message : String(cause),
  };
}

/** The root cause. The wrappers around it only say "Activity task failed". */
function causeOf(error: unknown): unknown {
  const isWrapper = error instanceof ChildWorkflowFailure || error instanceof ActivityFailure;
  return isWrapper && error.cause ? causeOf(error.cause) : error;
}
