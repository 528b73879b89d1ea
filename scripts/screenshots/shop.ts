import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { tenantInvoiceId } from '../../src/contracts/ids.ts';
import { lockTenants } from '../../src/db/transactions.ts';
import { isServed } from '../../src/db/month-end/month-end-status.ts';
import { readMonthOverview } from '../../src/db/month-end/month-views.ts';
import { loadCalendar } from '../../src/db/settings/load-calendar.ts';
import { previousMonth, type Month } from '../../src/domain/period.ts';
import { applyCatalogueFile } from '../../src/catalogue/apply-catalogue.ts';
import { applySeller } from '../../src/catalogue/apply-seller.ts';
import { applySubscriptionsFile } from '../../src/catalogue/apply-subscriptions.ts';
import { parseSubscriptionsFile } from '../../src/catalogue/subscriptions-file.ts';
import { createUsageClient } from '../../src/client/gateway/usage-client.ts';
import { BROKEN_TENANT } from '../../dev/demo-checks.ts';
import { listDemoDeployments, readDemoFiles } from '../../dev/demo-files.ts';
import { makeLlmEvents, makeMeteredRecords, usesLlm } from '../../dev/demo-usage.ts';
import { simulateUsage } from '../../dev/simulator.ts';
import { startPostgres } from '../../dev/postgres.ts';
import { startLocalStack, type LocalStack } from '../../dev/stack.ts';
import { createSteps } from '../../dev/steps.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { applySchedule, backfillMonth } from '../../src/temporal/schedule.ts';
import { until } from '../../test/_util/until.ts';

/** The month of the guide's examples, which is in the past. */
export const MONTH: Month = '2026-10';
export const MONTH_BEFORE = previousMonth(MONTH);
/** A tenant billed in a different currency from its plan's. */
export const PARKED_TENANT = BROKEN_TENANT;
/** A tenant with several subscriptions and LLM usage. */
export const TENANT = 'lumen-energy';
/** A tenant whose meter counts each token a thousand times, so that its total is out of bounds. */
const MISCOUNTED = { tenant_id: 'ember-games', deployment_id: 'ember-games-web' } as const;
/** The programs as `npm run local` starts them, in a separate folder, with the demo's tenants and two months' usage. */
export interface Shop extends AsyncDisposable {
  readonly stack: LocalStack;
  /** Of the Temporal Web UI. */
  readonly namespaceUrl: string;
  /** Closes the month before that of the pictures. */
  closeMonthBefore(): Promise<void>;
  /**
   * Closes the month of the pictures.
   * @param look runs when only the tenants after PARKED_TENANT remain; they wait until it ends
   */
  closeMonth(look: () => Promise<void>): Promise<void>;
  /**
   * Forces a rerun of TENANT and stops PostgreSQL while its subscriptions are quoted. Call it last.
   * @param look runs once the step is a pending activity; then PostgreSQL starts again and the rerun finishes
   */
  stopPostgres(look: () => Promise<void>): Promise<void>;
}

export async function openShop(): Promise<Shop> {
  await using parts = new AsyncDisposableStack();
  const stateDir = mkdtempSync(join(tmpdir(), 'arcadia-screenshots-'));
  parts.defer(() => rmSync(stateDir, { recursive: true, force: true }));
  const stack = await startLocalStack({
    // Not this process's environment, which may name a real database. The API accepts usage of any age.
    env: { USAGE_MAX_AGE_DAYS: '36500' },
    stateDir,
    steps: createSteps(),
    signal: new AbortController().signal,
  });
  // Stopped after the programs that use it.
  const restarted = parts.use(new AsyncDisposableStack());
  parts.defer(() => stack.stop());
  await fill(stack);
  const opened = parts.move();
  return {
    stack,
    namespaceUrl: `${stack.servers.uiUrl}/namespaces/${stack.env.TEMPORAL_NAMESPACE}`,
    closeMonthBefore: () => close(stack, MONTH_BEFORE),
    closeMonth: (look) => closeWatched(stack, look),
    async stopPostgres(look) {
      await stopWhileQuoting(stack);
      await look();
      const postgres = await startPostgres({ stateDir });
      restarted.defer(() => postgres.stop());
      await until(() => isServed(stack.db, MONTH), Boolean);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function fill({ db, env }: LocalStack): Promise<void> {
  const files = readDemoFiles();
  await applyCatalogueFile(db, files.catalogue);
  await applySeller(db, files.seller);
  await applySubscriptionsFile(db, files.subscriptions);
  const deployments = listDemoDeployments(files);
  const clientFor = (apiKey: string) => createUsageClient({ apiUrl: env.API_URL, apiKey });
  const calendar = await loadCalendar(db);
  for (const month of [MONTH_BEFORE, MONTH]) {
    await simulateUsage({
      gateway: clientFor(env.GATEWAY_API_KEY),
      metering: clientFor(env.METERING_API_KEY),
      events: makeLlmEvents(calendar, month, deployments.filter(usesLlm)),
      records: makeMeteredRecords(calendar, month, deployments, files.meteredUsage),
      onProgress: () => undefined,
    });
  }
  await clientFor(env.METERING_API_KEY).postOne('metered', {
    ...MISCOUNTED,
    record_id: `miscounted-${MONTH}`,
    resource_kind: 'llm_tokens',
    qty: '2500000000',
    occurred_at: `${MONTH}-30T10:00:00Z`,
  });
}

/** As an operator does for a month that the Schedule missed while paused. */
async function close({ db, engine }: LocalStack, month: Month): Promise<void> {
  await backfillMonth(engine.temporal.client, await loadCalendar(db), month);
  await until(() => isServed(db, month), Boolean);
}

async function closeWatched(stack: LocalStack, look: () => Promise<void>): Promise<void> {
  const { db, engine } = stack;
  const { client } = engine.temporal;
  const tenants = parseSubscriptionsFile(readDemoFiles().subscriptions).tenants;
  const tenantIds = tenants.map(({ tenant_id }) => tenant_id).toSorted();
  const pageSize = tenantIds.indexOf(PARKED_TENANT) + 1;
  const rest = tenantIds.slice(pageSize);
  await applySchedule(client, 'UTC', { options: { pageSize } });
  await db.transaction(async (tx) => {
    // Planning the second page needs these locks too, so it waits.
    await lockTenants(tx, rest);
    await backfillMonth(client, await loadCalendar(db), MONTH);
    await until(
      () => readMonthOverview(db, MONTH),
      (month) => month.not_looked_at === rest.length,
    );
    await look();
  });
  await applySchedule(client, 'UTC');
  await until(() => isServed(db, MONTH), Boolean);
}

/** Stops PostgreSQL while TENANT's child waits to store its quoted lines, and waits until that step is a pending activity. */
async function stopWhileQuoting({ engine, servers }: LocalStack): Promise<void> {
  const blocker = new pg.Client({ connectionString: servers.migratorUrl });
  blocker.on('error', () => undefined); // PostgreSQL closes this connection when it stops.
  await blocker.connect();
  await blocker.query('BEGIN');
  await blocker.query('LOCK TABLE invoice_draft_chunks IN SHARE MODE');
  await requestMonthEnd(engine.temporal.client, {
    month: MONTH,
    requestId: 'outage',
    actor: 'screenshots',
    reason: 'metering came late',
    force: { tenantIds: [TENANT] },
  });
  await until(
    () =>
      blocker.query(
        `SELECT FROM invoice_drafts WHERE tenant_id = $1 AND state = 'open' AND EXISTS (
           SELECT FROM pg_locks WHERE relation = 'invoice_draft_chunks'::regclass AND NOT granted)`,
        [TENANT],
      ),
    ({ rowCount }) => rowCount === 1,
  );
  await servers.postgres?.stop();
  const child = engine.temporal.client.workflow.getHandle(tenantInvoiceId(MONTH, TENANT));
  await until(
    () => child.describe(),
    ({ raw }) => raw.pendingActivities?.some(({ attempt }) => (attempt ?? 0) > 2) ?? false,
  );
}
