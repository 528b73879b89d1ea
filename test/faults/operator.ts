import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { TASK_QUEUE } from '../../src/contracts/ids.ts';
import { WORKFLOWS } from '../../src/contracts/month-end-types.ts';
import type { Random } from '../../dev/random.ts';
import {
  queryProgress,
  requestMonthEnd,
  type MonthEndRequest,
} from '../../src/temporal/month-end-client.ts';
import { backfillMonth } from '../../src/temporal/schedule.ts';
import { MONTH, type Tenant } from './population.ts';
import { UTC } from '../_util/utc.ts';

/** Asks for month ends, as the Schedule and operators do, and again where Temporal was away. */
export interface Operator {
  /** Requests that Temporal has acknowledged: none of them may be lost. */
  readonly acknowledged: ReadonlyMap<string, AcknowledgedRequest>;
  close(month: string): Promise<void>;
  /** Rebuilds every invoice of the month. */
  forceAll(): Promise<void>;
  /** Many requests at once, some of them several times. */
  burst(size: number): Promise<void>;
  /** Starts by other ways that a month can be started, at the same time. */
  startTwice(): Promise<void>;
  isDrained(months: readonly string[]): Promise<boolean>;
}

export interface AcknowledgedRequest {
  readonly month: string;
  readonly requestId: string;
  /** Named tenants; empty for all, or for an ordinary run. */
  readonly tenantIds: readonly string[];
}

const RETRY_PAUSE_MS = 250;
const ACTOR = 'the test';

export interface OperatorOptions {
  readonly client: Client;
  readonly tenants: readonly Tenant[];
  readonly random: Random;
  /** After how many events a month's workflow continues as new. */
  readonly historyEvents: number;
  /** For calls whose repetition has no end otherwise. */
  readonly signal: AbortSignal;
}

export function createOperator(options: OperatorOptions): Operator {
  const { client, tenants, random, historyEvents, signal } = options;
  const acknowledged = new Map<string, AcknowledgedRequest>();
  let lastRequest = 0;

  function nextId(kind: string): string {
    return `${kind}-${(lastRequest += 1)}`;
  }

  /** Temporal may be unavailable: repeats a request with the same id until it is answered. */
  async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await ask();
      } catch {
        await sleep(RETRY_PAUSE_MS, undefined, { signal });
      }
    }
  }

  async function request(asked: Omit<MonthEndRequest, 'actor'>): Promise<void> {
    const options = { continueAsNewAfterEvents: historyEvents };
    await untilAnswered(() => requestMonthEnd(client, { ...asked, actor: ACTOR, options }));
    const { month, requestId, force } = asked;
    const tenantIds = force && 'tenantIds' in force ? force.tenantIds : [];
    acknowledged.set(`${month} ${requestId}`, { month, requestId, tenantIds });
  }

  function pickTenants(): readonly string[] {
    const count = random.integer(1, Math.min(20, tenants.length));
    const picked = new Set<string>();
    while (picked.size < count) {
      const tenant = tenants[random.integer(0, tenants.length - 1)];
      if (tenant) picked.add(tenant.tenantId);
    }
    return [...picked];
  }

  function plannedRequest(): Omit<MonthEndRequest, 'actor'> {
    const choice = random.integer(1, 10);
    if (choice <= 2) return { month: MONTH, requestId: nextId('run') };
    const onlyIfChanged = random.integer(1, 3) === 1;
    const force = {
      ...(choice === 3 ? { all: true as const } : { tenantIds: pickTenants() }),
      ...(onlyIfChanged && { onlyIfChanged }),
    };
    return { month: MONTH, requestId: nextId('burst'), reason: 'usage came late', force };
  }

  return {
    acknowledged,
    close: (month) => request({ month, requestId: nextId('close') }),
    forceAll: () =>
      request({
        month: MONTH,
        requestId: nextId('all'),
        reason: 'usage came late',
        force: { all: true },
      }),
    async burst(size) {
      const distinct = Array.from({ length: size }, plannedRequest);
      const repeated = distinct.filter(() => random.integer(1, 3) === 1);
      await Promise.all([...distinct, ...repeated, ...repeated].map(request));
    },
    async startTwice() {
      const { tenantId } = tenants[random.integer(0, tenants.length - 1)] ?? { tenantId: '' };
      await Promise.all([
        untilAnswered(() => backfillMonth(client, UTC, MONTH)),
        // A child that nobody's pass knows of, beside the one that a pass may be running.
        untilAnswered(() =>
          client.workflow.start(WORKFLOWS.tenantInvoice, {
            workflowId: nextId('by-hand'),
            taskQueue: TASK_QUEUE,
            args: [{ month: MONTH, tenantIds: [tenantId] }],
          }),
        ),
      ]);
    },
    async isDrained(months) {
      for (const month of months) {
        const progress = await queryProgress(client, month);
        if (progress?.state !== 'open') return false;
      }
      return true;
    },
  };
}
