import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createKey } from '../../src/db/api-keys.ts';
import { migrate } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { freePorts } from '../../src/local/free-port.ts';
import { ensureRolesAndDatabase, removeCluster, startPostgres } from '../../src/local/postgres.ts';
import type { DatabaseUrls } from '../../src/local/postgres-roles.ts';
import { startApiProcess, type ApiProcess } from './api-process.ts';
import { readPlaces, seedDeployments, type Place } from './usage-events.ts';

const DATABASE = 'arcadia';

/** What ingestion is measured on: PostgreSQL as it is embedded, and the API in its own process. */
export interface IngestionServers extends AsyncDisposable {
  readonly api: ApiProcess;
  readonly urls: DatabaseUrls;
  /** Enters the database with all rights. */
  readonly superuserUrl: string;
  readonly keys: { readonly gateway: string; readonly metering: string };
  /** The deployments that usage is sent for. */
  readonly places: readonly Place[];
}

/** @param deployments how many there are, a tenant each */
export async function startIngestionServers(deployments: number): Promise<IngestionServers> {
  await using stack = new AsyncDisposableStack();
  const stateDir = mkdtempSync(join(tmpdir(), 'arcadia-bench-'));
  stack.defer(() => rmSync(stateDir, { recursive: true, force: true }));
  const [port] = await freePorts([0]);
  writeFileSync(join(stateDir, 'ports.json'), JSON.stringify({ postgres: port }));
  const postgres = await startPostgres({ stateDir });
  stack.defer(async () => {
    await postgres.stop();
    removeCluster(stateDir);
  });
  const urls = await ensureRolesAndDatabase(postgres.superuserUrl, { database: DATABASE });
  await migrate({ databaseUrl: urls.migratorUrl });
  const superuserUrl = new URL(postgres.superuserUrl);
  superuserUrl.pathname = `/${DATABASE}`;

  const db = await openDatabase({ url: urls.appUrl, maxConnections: 1, applicationName: 'bench' });
  const places = await seedPlaces(superuserUrl.href, deployments);
  const gateway = await createKey(db, { label: 'gateway', scope: 'gateway' });
  const metering = await createKey(db, { label: 'metering', scope: 'metering' });
  await db.end();

  const api = await startApiProcess({ databaseUrl: urls.apiUrl });
  stack.defer(() => api.stop());
  const started = stack.move();
  return {
    api,
    urls,
    superuserUrl: superuserUrl.href,
    keys: { gateway: gateway.plainKey, metering: metering.plainKey },
    places,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function seedPlaces(superuserUrl: string, deployments: number): Promise<readonly Place[]> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await seedDeployments(client, deployments);
    return await readPlaces(client);
  } finally {
    await client.end();
  }
}
