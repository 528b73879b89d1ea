import type { Client, Connection } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TemporalUnavailableError, createMonthEndPort } from '../../src/api/http/month-end-port.ts';
import { explain } from '../../src/cli/explain-error.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import {
  SearchAttributesError,
  registerSearchAttributes,
} from '../../src/temporal/search-attributes.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An error as gRPC's client throws it. */
function grpcError(code: number, details: string): Error {
  return Object.assign(new Error(`${code}: ${details}`), { code, details, metadata: {} });
}

const INVALID_ARGUMENT = 3;
const UNKNOWN = grpcError(
  INVALID_ARGUMENT,
  'Namespace books has no mapping defined for search attribute BillingPeriod',
);

/** A call that fails as often as it is told, and counts its attempts. */
function failing(error: Error, failures = Infinity) {
  let attempts = 0;
  return {
    attempts: () => attempts,
    call: () => {
      attempts += 1;
      return attempts <= failures ? Promise.reject(error) : Promise.resolve({ workflowId: 'w' });
    },
  };
}

/** Lets all of the retries' pauses pass. */
async function outcomeOf<T>(work: Promise<T>): Promise<T | Error> {
  const settled = work.catch((error: unknown) => error as Error);
  await vi.advanceTimersByTimeAsync(120_000);
  return settled;
}

describe('a request for a month on a server that does not know the search attribute yet', () => {
  /** The client wraps gRPC's errors. */
  const wrapped = (cause: Error) => new Error('Failed to signalWithStart Workflow', { cause });
  const request = ({ call: signalWithStart }: ReturnType<typeof failing>) =>
    outcomeOf(
      requestMonthEnd(
        {
          options: { namespace: 'books' },
          workflow: { signalWithStart },
        } as unknown as Client,
        { month: '2026-05', requestId: 'r1', actor: 'test' },
      ),
    );

  test('is retried until the server knows it', async () => {
    const server = failing(wrapped(UNKNOWN), 3);
    expect(await request(server)).toBe('w');
    expect(server.attempts()).toBe(4);
  });

  test('fails after some seconds with the attribute and what to do', async () => {
    const server = failing(wrapped(UNKNOWN));
    const error = await request(server);
    expect(error).toBeInstanceOf(SearchAttributesError);
    expect(server.attempts()).toBeGreaterThan(5);
    expect(server.attempts()).toBeLessThan(20);
    expect(explain(error)).toMatchObject({
      error: 'temporal',
      reason: expect.stringMatching(
        /^Namespace books doesn't know search attribute BillingPeriod, after 6 s of waiting\. .*schedule apply/,
      ),
    });
  });

  test('is reported by the API as a Temporal server that is unavailable', async () => {
    const { call: signalWithStart } = failing(wrapped(UNKNOWN));
    const client = {
      options: { namespace: 'books' },
      workflow: { signalWithStart },
      withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
    } as unknown as Client;
    const request = { month: '2026-05', requestId: 'r1', actor: 'test' };
    expect(await outcomeOf(createMonthEndPort(client).request(request))).toBeInstanceOf(
      TemporalUnavailableError,
    );
  });

  test.each([
    ['another invalid argument', grpcError(INVALID_ARGUMENT, 'WorkflowId length exceeds limit.')],
    ['the same text with another code', grpcError(7, UNKNOWN.message)],
  ])('is not retried after %s', async (_name, cause) => {
    const server = failing(wrapped(cause));
    expect(await request(server)).toMatchObject({ message: expect.any(String), cause });
    expect(server.attempts()).toBe(1);
  });
});

describe('registration', () => {
  /** A namespace without attributes, whose frontend answers `count`. */
  const register = ({ call: countWorkflowExecutions }: ReturnType<typeof failing>) =>
    outcomeOf(
      registerSearchAttributes(
        {
          operatorService: {
            listSearchAttributes: () => Promise.resolve({ customAttributes: { TenantId: 2 } }),
            addSearchAttributes: () => Promise.resolve({}),
          },
          workflowService: { countWorkflowExecutions },
        } as unknown as Connection,
        'books',
      ),
    );
  const added = ['BillingPeriod', 'InvoiceOutcome', 'FailureType'];

  test.each([
    [
      'the attribute',
      grpcError(
        INVALID_ARGUMENT,
        "invalid query: column name 'BillingPeriod' is not a valid search attribute",
      ),
    ],
    ['the namespace', grpcError(5, 'Namespace books is not found.')],
  ])('waits until the frontend knows %s', async (_name, error) => {
    const server = failing(error, 5);
    expect(await register(server)).toEqual(added);
    expect(server.attempts()).toBe(6);
  });

  test('gives up after half a minute and names the attributes', async () => {
    expect(await register(failing(UNKNOWN))).toMatchObject({
      name: 'SearchAttributesError',
      message: expect.stringContaining(
        "doesn't know search attribute BillingPeriod, InvoiceOutcome, FailureType, after 30 s",
      ),
    });
  });

  test('does not wait for a server that reports another error', async () => {
    const error = grpcError(13, 'visibility store is down');
    const server = failing(error);
    expect(await register(server)).toBe(error);
    expect(server.attempts()).toBe(1);
  });
});
