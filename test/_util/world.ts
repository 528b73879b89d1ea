import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Runtime, DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { DEFAULT_BOUNDS, type Bounds } from '../../src/domain/bounds.ts';
import { createActivities, type Activities } from '../../src/activities/create-activities.ts';
import { monthEndId } from '../../src/contracts/ids.ts';
import { PROGRESS_QUERY, type MonthEndProgress } from '../../src/contracts/month-end-types.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { DEFAULT_TIME_BOUNDS, type TimeBounds } from '../../src/ingestion/time-bounds.ts';
import type { WebhookSettings } from '../../src/webhooks/delivery-settings.ts';
import { createWorkers } from '../../src/worker.ts';
import { inject } from 'vitest';
import { createTestDatabase } from './database.ts';
import { claimNamespace } from './temporal.ts';
import { until } from './until.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

/** A database, a namespace and, on demand, workers: all that a month end needs. */
export interface World extends AsyncDisposable {
  readonly db: Database;
  /** For what the other roles may not do or see. */
  readonly superuserUrl: string;
  readonly appUrl: string;
  readonly apiUrl: string;
  readonly workerUrl: string;
  readonly migratorUrl: string;
  readonly client: Client;
  /** Of the Temporal server. */
  readonly address: string;
  readonly activities: Activities;
  /** Starts a worker; `overrides` replace activities, to make them fail. */
  startWorker(overrides?: Partial<Activities>): Promise<RunningWorker>;
}

export interface RunningWorker extends AsyncDisposable {
  stop(): Promise<void>;
}

export async function createWorld({
  now = () => new Date(),
  bounds = DEFAULT_BOUNDS,
  webhooks = {},
  timeBounds = DEFAULT_TIME_BOUNDS,
}: {
  now?: () => Date;
  bounds?: Bounds;
  webhooks?: Partial<WebhookSettings>;
  timeBounds?: TimeBounds;
} = {}): Promise<World> {
  const testDatabase = await createTestDatabase();
  const { address, namespace } = await claimNamespace();
  const open = (url: string) => openDatabase({ url, maxConnections: 20, applicationName: 'test' });
  const db = await open(testDatabase.appUrl);
  // As the worker's process runs them.
  const workerDb = await open(testDatabase.workerUrl);
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const logger = pino({ level: 'silent' });
  const deps = { db: workerDb, client, logger, now, bounds, webhooks, timeBounds };
  const activities = createActivities(deps);
  const workers = new Set<RunningWorker>();

  return {
    db,
    client,
    address,
    activities,
    superuserUrl: testDatabase.superuserUrl,
    appUrl: testDatabase.appUrl,
    apiUrl: testDatabase.apiUrl,
    workerUrl: testDatabase.workerUrl,
    migratorUrl: testDatabase.migratorUrl,
    async startWorker(overrides = {}) {
      const native = await NativeConnection.connect({ address });
      const running = await createWorkers({
        connection: native,
        namespace,
        activities: { ...activities, ...overrides },
        workflowBundle: { codePath: inject('workflowBundlePath') },
        config: {
          maxConnections: 20,
          maxConcurrentLocalActivities: 20,
          maxConcurrentActivities: 20,
          maxConcurrentWorkflowTasks: 40,
          maxCachedWorkflows: 100,
          shutdownGraceSeconds: 5,
          workflowBundlePath: null,
          deploymentName: 'test',
          buildId: null,
          bounds,
        },
      });
      const run = running.run();
      const stop = async () => {
        if (!workers.delete(handle)) return;
        running.shutdown();
        await run;
        await native.close();
      };
      const handle: RunningWorker = { stop, [Symbol.asyncDispose]: stop };
      workers.add(handle);
      return handle;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...workers].map((worker) => worker.stop()));
      await Promise.all([db.end(), workerDb.end()]);
      await connection.close();
      await testDatabase.drop();
    },
  };
}

export function monthEndHandle(world: World, month: string): WorkflowHandle {
  return world.client.workflow.getHandle(monthEndId(month));
}

export function progressOf(world: World, month: string): Promise<MonthEndProgress> {
  return monthEndHandle(world, month).query<MonthEndProgress>(PROGRESS_QUERY);
}

/** Waits until the month is closed and everything asked for so far is served. */
export function closed(world: World, month: string): Promise<MonthEndProgress> {
  return until(
    () => progressOf(world, month),
    ({ state, totals }) => state === 'open' && totals !== null,
  );
}
