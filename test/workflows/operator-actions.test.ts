import type { Express } from 'express';
import { pino } from 'pino';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../src/api/app.ts';
import { createMonthEndPort } from '../../src/api/http/month-end-port.ts';
import { SCHEDULED_MONTH_END_ID, TASK_QUEUE, monthEndId } from '../../src/contracts/ids.ts';
import { WORKFLOWS } from '../../src/contracts/month-end-types.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import {
  listOperatorActions,
  type OperatorAction,
} from '../../src/db/month-end/operator-actions.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { createRenderer } from '../../src/documents/renderer.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { API_CONFIG } from '../_util/api-config.ts';
import { invoicesOf } from '../_util/books.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, monthEndHandle, progressOf, type World } from '../_util/world.ts';
import { runCli } from '../cli/_run-cli.ts';

/** Every channel by which a month can be requested, on real servers. */

let world: World;
let apiDb: Database;
let app: Express;
let key: string;
beforeAll(async () => {
  world = await createWorld();
  apiDb = await openDatabase({ url: world.apiUrl, maxConnections: 5, applicationName: 'test-api' });
  const now = () => new Date();
  app = createApp({
    db: apiDb,
    now,
    documents: createRenderer(),
    monthEnd: createMonthEndPort(world.client),
    watchdog: null,
    ingestion: createIngestion({ db: apiDb, now, timeBounds: ANY_TIME }),
    logger: pino({ level: 'silent' }),
    metrics: createMetrics(),
    config: API_CONFIG,
  });
  key = (await createKey(world.db, { label: 'ops', scope: 'operator' })).plainKey;
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'globex');
  await world.startWorker();
});
afterAll(async () => {
  await apiDb.end();
  await world[Symbol.asyncDispose]();
});

const cliEnv = () => ({
  DATABASE_URL: world.appUrl,
  TEMPORAL_ADDRESS: world.address,
  TEMPORAL_NAMESPACE: world.client.options.namespace,
});
const audit = async (): Promise<readonly OperatorAction[]> =>
  (await listOperatorActions(world.db, {}, { after: null, limit: 100 })).toReversed();

/** The recorded actions of `act`, once the month is closed and acme has a new revision. */
async function recordedBy(act: () => Promise<unknown>): Promise<readonly OperatorAction[]> {
  const before = await audit();
  const revisions = (await invoicesOf(world.db, 'acme')).length;
  await act();
  await until(
    () => invoicesOf(world.db, 'acme'),
    (invoices) => invoices.length > revisions,
  );
  await closed(world, MONTH);
  return (await audit()).slice(before.length);
}

const REASON = 'metering came late';
const FORCED = { tenant_ids: ['acme'], all_tenants: false, reason: REASON, outcome: 'done' };
const lastInvoice = async () => (await invoicesOf(world.db, 'acme')).at(-1);

describe('a forced rerun is recorded once, with channel, actor, tenants and reason', () => {
  beforeAll(async () => {
    await world.client.workflow.start(WORKFLOWS.monthEnd, {
      workflowId: monthEndId(MONTH),
      taskQueue: TASK_QUEUE,
      args: [{ month: MONTH }],
    });
    await closed(world, MONTH);
  });

  test('from the API', async () => {
    const rows = await recordedBy(() =>
      request(app)
        .post('/api/v1/roll-ups')
        .set('Authorization', `Bearer ${key}`)
        .send({ month: MONTH, force: true, tenant_ids: ['acme'], reason: REASON })
        .expect(202),
    );
    expect(rows).toMatchObject([{ ...FORCED, channel: 'api', actor: 'key:ops' }]);
    const { requestId, actor } = (await lastInvoice())!;
    expect(actor).toBe('key:ops');
    expect(rows[0]?.month_request).toBe(`${MONTH}/${requestId}`);
  });

  test('from the CLI', async () => {
    const rows = await recordedBy(() =>
      runCli(
        ['month-end', 'force', MONTH, '--tenant', 'acme', '--reason', REASON, '--request-id', 'r1'],
        cliEnv(),
      ),
    );
    expect(rows).toMatchObject([{ ...FORCED, channel: 'cli', month_request: `${MONTH}/r1` }]);
    expect((await lastInvoice())?.actor).toBe(rows[0]?.actor);
  });

  test('from a signal in the Web UI, with the actor in its payload', async () => {
    const payload = { tenantIds: ['acme'], reason: REASON, actor: 'kim' };
    const rows = await recordedBy(() => monthEndHandle(world, MONTH).signal('forceReRun', payload));
    expect(rows).toMatchObject([
      { ...FORCED, channel: 'temporal', actor: 'temporal:kim', action: 'forceReRun', status: 0 },
    ]);
    const { requestId, actor } = (await lastInvoice())!;
    expect(actor).toBe('temporal:kim');
    expect(rows[0]?.month_request).toBe(`${MONTH}/${requestId}`);
  });

  test('from a signal without an actor, or with an actor of another channel', async () => {
    const payload = { tenantIds: ['acme'], reason: REASON };
    const signal = (more: object) => () =>
      monthEndHandle(world, MONTH).signal('forceReRun', { ...payload, ...more });
    expect(await recordedBy(signal({}))).toMatchObject([
      { ...FORCED, channel: 'temporal', actor: 'temporal:unnamed' },
    ]);
    expect(await recordedBy(signal({ actor: 'key:ops', requestId: 'forged' }))).toMatchObject([
      { ...FORCED, channel: 'temporal', actor: 'temporal:key:ops' },
    ]);
    expect((await lastInvoice())?.actor).toBe('temporal:key:ops');
  });

  test('for all tenants', async () => {
    const rows = await recordedBy(() =>
      monthEndHandle(world, MONTH).signal('forceReRun', { all: true, reason: REASON }),
    );
    expect(rows).toMatchObject([{ tenant_ids: null, all_tenants: true, reason: REASON }]);
  });

  test('for a thousand named tenants', async () => {
    const tenantIds = [
      'acme',
      ...Array.from({ length: 999 }, (_, n) => `nobody-${n}-${'x'.repeat(40)}`),
    ];
    const rows = await recordedBy(() =>
      monthEndHandle(world, MONTH).signal('forceReRun', { tenantIds, reason: REASON }),
    );
    expect(rows).toMatchObject([
      { tenant_ids: tenantIds, input: null, detail: expect.stringMatching(/no tenant nobody/) },
    ]);
  });
});

describe('also recorded', () => {
  test('a start without a signal', async () => {
    expect((await audit())[0]).toMatchObject({
      channel: 'temporal',
      actor: 'temporal:unnamed',
      action: 'start',
      target: { month: MONTH },
      outcome: 'done',
    });
  });

  test('a refused signal, with the reason', async () => {
    const payload = { tenantIds: ['acme'], reason: 'pasted\u0000text \ud800' };
    await monthEndHandle(world, MONTH).signal('forceReRun', payload);
    await until(
      () => progressOf(world, MONTH),
      ({ refusals }) => refusals.some(({ reason }) => reason.includes('control characters')),
    );
    expect((await audit()).at(-1)).toMatchObject({
      channel: 'temporal',
      action: 'forceReRun',
      input: { tenant_ids: ['acme'], reason: payload.reason },
      tenant_ids: ['acme'],
      reason: null,
      outcome: 'refused',
      detail: expect.stringMatching(/control characters/),
    });
  });

  test("a Schedule's firing", async () => {
    const before = await audit();
    const { month } = (await world.client.workflow.execute(WORKFLOWS.scheduledMonthEnd, {
      workflowId: SCHEDULED_MONTH_END_ID,
      taskQueue: TASK_QUEUE,
      args: [{}],
    })) as { month: string };
    await closed(world, month);
    expect((await audit()).slice(before.length)).toMatchObject([
      {
        channel: 'schedule',
        actor: 'schedule',
        month_request: expect.stringMatching(new RegExp(`^${month}/schedule:`)),
        outcome: 'done',
      },
    ]);
  });

  test('a month that the API or the CLI refuses because there is nothing to bill', async () => {
    const before = await audit();
    const { status, body } = await request(app)
      .post('/api/v1/roll-ups')
      .set('Authorization', `Bearer ${key}`)
      .send({ month: '2024-12' });
    expect([status, body]).toMatchObject([
      422,
      { errors: [{ pointer: '/month', detail: expect.stringMatching(/nothing to bill/) }] },
    ]);
    for (const command of [
      ['month-end', 'start', '2024-12'],
      ['month-end', 'force', '2199-12', '--all', '--reason', 'x'],
      ['schedule', 'backfill', '2024-12'],
    ]) {
      const { code, stderr } = await runCli(command, cliEnv());
      expect([code, stderr]).toEqual([1, expect.stringMatching(/nothing to bill|not over yet/)]);
    }
    expect((await audit()).slice(before.length).map(({ outcome }) => outcome)).toEqual(
      Array(4).fill('refused'),
    );
  });
});

test('`audit list` shows tenants and reason', async () => {
  const { stdout } = await runCli(['audit', 'list'], { ...cliEnv(), COLUMNS: '200' });
  expect(stdout).toMatch(/temporal:kim .*forceReRun .*acme .*metering came late/);
  expect(stdout).toMatch(/all due tenants/);
});

test.each(['preview', 'verify'])(
  '%s of a month before the first subscription fails',
  async (command) => {
    const { code, stderr } = await runCli(['month-end', command, '2024-12'], cliEnv());
    expect([code, stderr]).toEqual([1, expect.stringMatching(/nothing to bill/)]);
  },
);
