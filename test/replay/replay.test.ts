import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { temporal } from '@temporalio/proto';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DeterminismViolationError } from '@temporalio/workflow';
import { defaultPayloadConverter } from '@temporalio/common';
import { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  DAILY_NOTICES_ID,
  SCHEDULED_MONTH_END_ID,
  TASK_QUEUE,
  USAGE_SWEEP_ID,
  tenantInvoiceId,
  tenantInvoicesId,
  webhooksId,
} from '../../src/contracts/ids.ts';
import { WORKFLOWS } from '../../src/contracts/month-end-types.ts';
import { TRACE_HEADER } from '../../src/contracts/trace-carrier.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { startDelivery } from '../../src/temporal/start-delivery.ts';
import { invoicesOf, outcomesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, monthEndHandle, type World } from '../_util/world.ts';
import { SETTINGS, startReceiver } from '../webhooks/_receiver.ts';
import { putEvent, register } from '../webhooks/_receiving.ts';

const HISTORIES = fileURLToPath(new URL('./histories/', import.meta.url));
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const dataConverter = {
  payloadConverterPath: path('../../src/temporal/payload-converter.ts'),
};

const workflowBundle = { codePath: inject('workflowBundlePath') };

async function replay(history: unknown, workflowId: string) {
  // The SDK does not treat the last task of a history as a replay, so it may report a span.
  const sinks = { tracing: { spanEnded: { fn: () => undefined } } };
  await Worker.runReplayHistory({ workflowBundle, dataConverter, sinks }, history, workflowId);
}

type History = temporal.api.history.v1.IHistory;

/**
 * Histories of every shape, as committed: a change of workflow code that would
 * break a month that is open goes red here. `RECORD_HISTORIES=1 npm test -- test/replay`
 * adds today's.
 */
describe('committed histories', () => {
  const files = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));

  test('include one of every shape', () => {
    expect(files.map((name) => name.replace(/^\d{4}-\d{2}-\d{2}-/, ''))).toEqual(
      expect.arrayContaining(SHAPES.map((shape) => `${shape}.json`)),
    );
  });

  test.each(files)('%s replays', async (name) => {
    const history = JSON.parse(readFileSync(`${HISTORIES}${name}`, 'utf8')) as unknown;
    await replay(history, workflowIdOf(name));
  });

  test('a deliberately reordered workflow does not replay', async () => {
    const name = files.find((file) => file.endsWith('tenant-invoice-rolled.json'));
    const history = JSON.parse(readFileSync(`${HISTORIES}${name}`, 'utf8')) as unknown;
    await expect(
      Worker.runReplayHistory(
        { dataConverter, workflowsPath: path('./reordered/index.ts') },
        history,
        workflowIdOf(name ?? ''),
      ),
    ).rejects.toThrow(DeterminismViolationError);
  });
});

const SHAPES = [
  'scheduled-month-end',
  'month-end',
  'month-end-continued',
  'tenant-invoice-rolled',
  'tenant-invoice-forced',
  'tenant-invoice-unchanged',
  'tenant-invoice-parked',
  'tenant-invoice-several',
  'deliver-webhooks',
  'daily-notices',
  'usage-sweep',
  'month-end-traced',
  'tenant-invoice-traced',
] as const;
type Shape = (typeof SHAPES)[number];

describe("today's histories", () => {
  let world: World;
  const histories = new Map<Shape, History>();
  beforeAll(async () => {
    world = await createWorld({ webhooks: SETTINGS });
    await seedCatalogue(world.db);
    for (const tenantId of ['acme', 'globex', 'initech']) await seedTenant(world.db, tenantId);
    await seedTenant(world.db, 'planless', [{ deploymentId: 'planless-a', planVersionId: null }]);
    await seedUsage(world.db, {
      tenantId: 'acme',
      deploymentId: 'acme-a',
      kind: 'llm_usage',
      amount: '12.5',
    });
    await world.startWorker();
    await recordMonths(world, histories);
    await recordWebhooks(world, histories);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test.each(SHAPES)('%s replays', async (shape) => {
    const history = histories.get(shape);
    expect(history?.events?.length).toBeGreaterThan(3);
    await replay(history, shape);
    if (process.env.RECORD_HISTORIES) save(shape, history!);
  });
});

async function recordMonths(world: World, histories: Map<Shape, History>): Promise<void> {
  const { client } = world;
  const fetch = async (shape: Shape, workflowId: string, runId?: string) => {
    histories.set(shape, await client.workflow.getHandle(workflowId, runId).fetchHistory());
  };
  // A pass that continues as new, refusals, a forced rerun.
  await requestMonthEnd(client, {
    month: MONTH,
    requestId: 'first',
    actor: 'test',
    options: { pageSize: 2, continueAsNewAfterEvents: 10 },
  });
  await closed(world, MONTH);
  await fetch('tenant-invoice-rolled', tenantInvoiceId(MONTH, 'acme'));
  await fetch('tenant-invoice-parked', tenantInvoiceId(MONTH, 'planless'));
  const [firstRun] = await until(
    async () =>
      Array.fromAsync(
        client.workflow.list({
          query: `WorkflowId = 'month-end-${MONTH}' AND ExecutionStatus = 'ContinuedAsNew'`,
        }),
      ),
    (runs) => runs.length > 0,
  );
  await fetch('month-end-continued', `month-end-${MONTH}`, firstRun!.runId);

  const april = '2026-04';
  await requestMonthEnd(client, { month: april, requestId: 'first', actor: 'test' });
  await closed(world, april);
  await monthEndHandle(world, april).signal('forceReRun', { tenantIds: ['acme'] });
  await monthEndHandle(world, april).signal('misspelt');
  await monthEndHandle(world, april).signal('forceReRun', {
    tenantIds: ['acme', 'nobody'],
    reason: 'to have its history',
  });
  await until(
    () => invoicesOf(world.db, 'acme'),
    (invoices) => invoices.some(({ month, revision }) => month === april && revision === 2),
  );
  await closed(world, april);
  await fetch('tenant-invoice-forced', tenantInvoiceId(april, 'acme'));
  await requestMonthEnd(client, {
    month: april,
    requestId: 'unchanged',
    actor: 'test',
    reason: 'to have its history',
    force: { tenantIds: ['globex'], onlyIfChanged: true },
  });
  await until(
    () => outcomesOf(world.db, april),
    (outcomes) => outcomes.some(({ outcome }) => outcome === 'unchanged'),
  );
  await closed(world, april);
  await fetch('tenant-invoice-unchanged', tenantInvoiceId(april, 'globex'));
  await fetch('month-end', `month-end-${april}`);

  const march = '2026-03';
  await requestMonthEnd(client, {
    month: march,
    requestId: 'several',
    actor: 'test',
    options: { tenantsPerChild: 3 },
  });
  await closed(world, march);
  await fetch('tenant-invoice-several', tenantInvoicesId(march, 'acme'));

  const february = '2026-02';
  await requestMonthEnd(traced(client), {
    month: february,
    requestId: 'traced',
    actor: 'test',
    options: { pageSize: 2, continueAsNewAfterEvents: 10 },
  });
  await closed(world, february);
  await fetch('tenant-invoice-traced', tenantInvoiceId(february, 'acme'));
  // It may continue as new right after it has closed the month: waits until that run has begun.
  await until(
    async () => {
      await fetch('month-end-traced', `month-end-${february}`);
      return histories.get('month-end-traced')?.events?.length ?? 0;
    },
    (events) => events > 3,
  );
  // The trace reaches the children and the next run.
  for (const shape of ['tenant-invoice-traced', 'month-end-traced'] as const) {
    const started = histories.get(shape)?.events?.[0]?.workflowExecutionStartedEventAttributes;
    expect(Object.keys(started?.header?.fields ?? {})).toEqual([TRACE_HEADER]);
    expect(started?.continuedExecutionRunId === '').toBe(shape === 'tenant-invoice-traced');
  }

  await client.workflow.execute(WORKFLOWS.scheduledMonthEnd, {
    workflowId: SCHEDULED_MONTH_END_ID,
    taskQueue: TASK_QUEUE,
    args: [{}],
  });
  await fetch('scheduled-month-end', SCHEDULED_MONTH_END_ID);

  await client.workflow.execute(WORKFLOWS.dailyNotices, {
    workflowId: DAILY_NOTICES_ID,
    taskQueue: TASK_QUEUE,
  });
  await fetch('daily-notices', DAILY_NOTICES_ID);

  await client.workflow.execute(WORKFLOWS.usageSweep, {
    workflowId: USAGE_SWEEP_ID,
    taskQueue: TASK_QUEUE,
  });
  await fetch('usage-sweep', USAGE_SWEEP_ID);
}

async function recordWebhooks(
  { db, client }: World,
  histories: Map<Shape, History>,
): Promise<void> {
  await using receiver = await startReceiver();
  const { endpointId } = await register(db, receiver.url);
  await putEvent(db, endpointId);
  await startDelivery(client, { endpointId, url: receiver.url });
  const handle = client.workflow.getHandle(webhooksId(endpointId));
  await handle.result();
  histories.set('deliver-webhooks', await handle.fetchHistory());
}

/** A client whose requests carry a trace. */
function traced({ connection, options: { namespace } }: Client): Client {
  const carrier = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
  const header = { [TRACE_HEADER]: defaultPayloadConverter.toPayload(carrier) };
  return new Client({
    connection,
    namespace,
    interceptors: {
      workflow: [
        {
          signalWithStart: (input, next) =>
            next({ ...input, headers: { ...input.headers, ...header } }),
        },
      ],
    },
  });
}

/** Writes a history, without the names of the machine and process that made it. */
function save(shape: string, history: History): void {
  const json = historyToJSON(history)
    .replaceAll(/"identity": "[^"]*"/g, '"identity": "worker"')
    .replaceAll(new RegExp(`[0-9]+@${hostname()}`, 'g'), 'worker')
    .replaceAll(/"stackTrace": "[^"]*"/g, '"stackTrace": ""');
  const day = new Date().toISOString().slice(0, 10);
  writeFileSync(`${HISTORIES}${day}-${shape}.json`, `${json}\n`);
}

function workflowIdOf(fileName: string): string {
  return fileName.replace('.json', '');
}
