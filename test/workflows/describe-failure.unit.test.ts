import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  RetryState,
  TerminatedFailure,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common';
import { expect, test } from 'vitest';
import { describeFailure } from '../../src/workflows/describe-failure.ts';

const badData = ApplicationFailure.nonRetryable('the price is not a number', 'invalid_amount');
const ofStep = (cause: Error) =>
  new ActivityFailure(
    'Activity task failed',
    'persistInvoices',
    '1',
    RetryState.NON_RETRYABLE_FAILURE,
    undefined,
    cause,
  );
const ofChild = (cause?: Error) =>
  new ChildWorkflowFailure(
    'default',
    { workflowId: 'tenant-invoice-2026-05-acme' },
    'tenantInvoices',
    RetryState.RETRY_POLICY_NOT_SET,
    cause,
  );

test.each([
  ['bad data', badData, 'invalid_amount', 'the price is not a number'],
  ["a step's", ofStep(badData), 'invalid_amount', 'the price is not a number'],
  ["a child's", ofChild(badData), 'invalid_amount', 'the price is not a number'],
  ["a child's step's", ofChild(ofStep(badData)), 'invalid_amount', 'the price is not a number'],
  ['no type', ofChild(ofStep(ApplicationFailure.create({ message: 'x' }))), 'failed', 'x'],
  ['terminated', ofChild(new TerminatedFailure('x')), 'terminated', /terminated by hand/],
  [
    'out of time',
    ofChild(new TimeoutFailure('x', undefined, TimeoutType.START_TO_CLOSE)),
    'timed_out',
    /timed out/,
  ],
  ['without a cause', ofChild(), 'failed', 'Child Workflow execution failed'],
  ['no error at all', 'a text', 'failed', 'a text'],
])('%s', (_what, error, type, reason) => {
  const failure = describeFailure(error);
  expect(failure.type).toBe(type);
  expect(failure.reason).toMatch(reason);
});
