import { join } from 'node:path';
import { pino } from 'pino';
import { readConfig, type Config } from '../src/config.ts';
import { migrate } from '../src/db/migrate.ts';
import { openDatabase, type Database } from '../src/db/pool.ts';
import { setTimeZone } from '../src/db/settings/billing-settings.ts';
import { loadCalendar } from '../src/db/settings/load-calendar.ts';
import { startEngine, type Engine } from '../src/engine.ts';
import { createLogger } from '../src/lib/logger.ts';
import { temporalServer } from '../src/temporal/connection.ts';
import { toTemporalLogger } from '../src/temporal/worker-connection.ts';
import {
  applyNoticesSchedule,
  applySchedule,
  applySweepSchedule,
} from '../src/temporal/schedule.ts';
import { makePrivateFolder, openPrivate } from '../src/lib/private-files.ts';
import { bundleWorkflows } from '../src/worker.ts';
import { rememberedPorts } from './free-port.ts';
import { readLocalEnv, writeLocalEnv, type LocalEnv } from '../src/cli/local-env.ts';
import { describeServers, startServers, type LocalServers } from './servers.ts';
import type { Steps } from './steps.ts';
import { createKey, findByHash, hashApiKey } from '../src/db/access/api-keys.ts';

/** Servers, worker and API on one machine. */
export interface LocalStack {
  readonly servers: LocalServers;
  readonly engine: Engine;
  /** For the demo's own queries; the engine has separate pools. */
  readonly db: Database;
  readonly env: LocalEnv;
  /** The file that `env` was written to. */
  readonly envFile: string;
  readonly logFile: string;
  stop(): Promise<void>;
}

interface LocalStackOptions {
  /** Without empty variables: see `present`. */
  readonly env: Readonly<Partial<Record<string, string>>>;
  readonly stateDir: string;
  readonly steps: Steps;
  readonly signal: AbortSignal;
  /** The billing time zone to set; by default it stays as it is. */
  readonly timeZone?: string;
}

const DEFAULT_API_PORT = 8080;

/** Starts everything in three steps and writes addresses and keys to a file. */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const { env, stateDir, steps, signal } = options;
  makePrivateFolder(stateDir);
  const logFile = join(stateDir, 'engine.log');
  const logger = createLogger(
    { level: env.LOG_LEVEL ?? 'info', name: 'local' },
    pino.destination({ fd: openPrivate(logFile) }),
  );
  // Bundling takes a few seconds of CPU, so it starts while the servers do.
  const bundle = bundleWorkflows(toTemporalLogger(logger));
  bundle.catch(() => undefined);

  await using stack = new AsyncDisposableStack();
  const { servers } = await steps.step('Start PostgreSQL and Temporal', async () => {
    const started = await startServers(env, stateDir);
    stack.defer(() => started.stop());
    return { servers: started, text: describeServers(started) };
  });
  signal.throwIfAborted();

  const { config } = await steps.step('Create or update the database schema', async () => {
    const applied = await migrate({ databaseUrl: servers.migratorUrl });
    const text =
      applied.length === 0 ? 'already up to date' : `${applied.length} migrations applied`;
    return { config: await configure(env, servers, stateDir), text };
  });
  signal.throwIfAborted();

  const db = await openDatabase({
    url: servers.databaseUrl,
    maxConnections: 2,
    applicationName: 'arcadia-local',
  });
  stack.defer(() => db.end());
  // Before anything is stored that would fix the zone.
  if (options.timeZone !== undefined) await setTimeZone(db, options.timeZone);

  const { engine } = await steps.step(
    'Start the worker and the API, apply the Schedules',
    async () => {
      // Before the API starts, which checks for the Schedule.
      const schedule = await applySchedules(servers, db);
      const started = await startEngine({
        config,
        temporal: servers.temporal,
        logger,
        parts: ['worker', 'api'],
        databaseUrls: { worker: servers.workerUrl, api: servers.apiUrl },
        workflowBundle: await bundle,
        signal,
      });
      stack.defer(() => started.stop());
      return { engine: started, text: `API ${started.apiUrl} · Schedule ${schedule}` };
    },
  );
  const localEnv: LocalEnv = {
    DATABASE_URL: servers.databaseUrl,
    DATABASE_MIGRATOR_URL: servers.migratorUrl,
    TEMPORAL_ADDRESS: servers.temporal.address,
    TEMPORAL_NAMESPACE: servers.temporal.namespace,
    API_URL: engine.apiUrl ?? '',
    ...(await ensureLocalKeys(db, readLocalEnv(stateDir))),
  };
  const envFile = await writeLocalEnv(stateDir, localEnv);
  const started = stack.move();
  return {
    servers,
    engine,
    db,
    env: localEnv,
    envFile,
    logFile,
    stop: () => started.disposeAsync(),
  };
}

async function applySchedules(
  { temporal }: LocalServers,
  db: Database,
): Promise<'created' | 'updated'> {
  const { client, connection } = await temporalServer(temporal).connect();
  try {
    const { timeZone } = await loadCalendar(db);
    await applyNoticesSchedule(client, timeZone);
    await applySweepSchedule(client);
    return await applySchedule(client, timeZone);
  } finally {
    await connection.close();
  }
}

/** The configuration; unless API_PORT is set, the API gets its usual port or a free one. */
async function configure(
  env: LocalStackOptions['env'],
  servers: LocalServers,
  stateDir: string,
): Promise<Config> {
  const { api } = await rememberedPorts(join(stateDir, 'ports.json'), { api: DEFAULT_API_PORT });
  return readConfig({
    ...env,
    DATABASE_URL: servers.databaseUrl,
    API_PORT: env.API_PORT ?? String(api),
    TEMPORAL_UI_URL: env.TEMPORAL_UI_URL ?? servers.uiUrl ?? '',
  });
}

const KEYS = {
  GATEWAY_API_KEY: 'gateway',
  METERING_API_KEY: 'metering',
  OPERATOR_API_KEY: 'operator',
} as const;
type KeyName = keyof typeof KEYS;

/** API keys for local use: the ones from the last run if the database still has them, otherwise new ones. */
async function ensureLocalKeys(
  db: Database,
  known: Partial<LocalEnv> | null,
): Promise<Record<KeyName, string>> {
  const keys: Partial<Record<KeyName, string>> = {};
  for (const [name, scope] of Object.entries(KEYS) as [KeyName, (typeof KEYS)[KeyName]][]) {
    const old = known?.[name];
    const isGood = old !== undefined && (await findByHash(db, hashApiKey(old)))?.scope === scope;
    keys[name] = isGood ? old : (await createKey(db, { scope, label: `local ${scope}` })).plainKey;
  }
  return keys as Record<KeyName, string>;
}
