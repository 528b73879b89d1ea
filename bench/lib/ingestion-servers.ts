import { startApiProcess, type ApiProcess } from './api-process.ts';
import { createKeys, type Keys } from './api-keys.ts';
import type { BenchContext } from './bench.ts';
import type { BenchDatabase } from './servers.ts';
import { readPlaces, seedDeployments, type Place } from './usage-events.ts';

/** The servers for measuring ingestion: the embedded PostgreSQL, and the API in a separate process. */
export interface IngestionServers extends AsyncDisposable {
  readonly api: ApiProcess;
  readonly database: BenchDatabase;
  readonly keys: Keys;
  /** The deployments that usage is sent for. */
  readonly places: readonly Place[];
}

/** @param deployments their number, each with its own tenant */
export async function startIngestionServers(
  { startServers }: BenchContext,
  deployments: number,
): Promise<IngestionServers> {
  await using stack = new AsyncDisposableStack();
  const servers = stack.use(await startServers());
  const database = await servers.createDatabase();
  const places = await database.asSuperuser(async (client) => {
    await seedDeployments(client, deployments);
    return readPlaces(client);
  });
  const keys = await createKeys(database);
  const api = await startApiProcess({ databaseUrl: database.apiUrl });
  stack.defer(() => api.stop());
  const started = stack.move();
  return { api, database, keys, places, [Symbol.asyncDispose]: () => started.disposeAsync() };
}
