import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anyFreePort } from '../../dev/free-port.ts';
import type { LitellmKey } from '../../dev/litellm/litellm-config.ts';
import { startLitellm, type LitellmProxy } from '../../dev/litellm/litellm-proxy.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { startProcess, untilApiStarted, type Started } from '../e2e/_start.ts';
import { startFaultServers } from '../faults/servers.ts';
import { seedCatalogue, seedSeller, seedUsd } from '../_util/seed.ts';

const MASTER_KEY = 'sk-arcadia-litellm-master';

/** Who uses the proxies. Three ways to say who pays, and one tenant that doesn't exist yet. */
export const KEYS: Readonly<Record<string, LitellmKey>> = {
  'sk-arcadia-harbour-web': keyOf('harbour', 'web', {
    metadata: { arcadia_deployment: 'harbour-web' },
    team_metadata: { arcadia_tenant: 'harbour' },
  }),
  'sk-arcadia-harbour-batch': keyOf('team-17', 'some-alias', {
    metadata: { arcadia_deployment: 'harbour-batch', arcadia_tenant: 'harbour' },
  }),
  'sk-arcadia-juniper-api': keyOf('juniper', 'juniper-api', {}),
  'sk-arcadia-late-app': keyOf('latecomer', 'latecomer-app', {}),
};

function keyOf(
  team: string,
  alias: string,
  more: Partial<Pick<LitellmKey, 'metadata' | 'team_metadata'>>,
): LitellmKey {
  return {
    ...{ user_id: `user-of-${alias}`, team_id: team, key_alias: alias },
    ...{ metadata: {}, team_metadata: {} },
    ...more,
  };
}

/** The deployment that pays for a key's requests, by the key's hash. */
export const DEPLOYMENT_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(KEYS).map(([key, { metadata, key_alias }]) => [
    hashOf(key),
    metadata.arcadia_deployment ?? key_alias,
  ]),
);

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The API as a process of its own, which can be killed; PostgreSQL; and proxies that send to it. */
export interface LitellmWorld extends AsyncDisposable {
  readonly db: Database;
  readonly folder: string;
  /** For the CLI. */
  readonly env: Readonly<Record<string, string>>;
  /** Answers of LiteLLM's `/key/list` and `/team/list`. */
  readonly keyFile: string;
  readonly teamFile: string;
  startProxy(name: string, env?: Readonly<Record<string, string>>): Promise<LitellmProxy>;
  /** SIGKILL. */
  killApi(): Promise<void>;
  startApi(): Promise<void>;
}

/** @param programs the folder with LiteLLM's programs */
export async function createLitellmWorld(programs: string): Promise<LitellmWorld> {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'arcadia-litellm-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const { postgres, temporal, ...servers } = await startFaultServers(folder);
  stack.defer(() => servers[Symbol.asyncDispose]());
  const db = await openDatabase({
    url: postgres.appUrl,
    maxConnections: 4,
    applicationName: 'litellm-test',
  });
  stack.defer(() => db.end());
  await seedCatalogue(db);
  await seedSeller(db);
  await seedUsd(db, 'harbour', ['harbour-web', 'harbour-batch']);
  await seedUsd(db, 'juniper', ['juniper-api']);
  const { plainKey } = await createKey(db, { scope: 'gateway', label: 'litellm' });
  const operator = await createKey(db, { scope: 'operator', label: 'litellm operator' });

  const port = await anyFreePort();
  const apiUrl = `http://127.0.0.1:${port}`;
  let api: Started;
  const startApi = async (): Promise<void> => {
    api = startProcess(['api'], {
      DATABASE_URL: postgres.apiUrl,
      TEMPORAL_ADDRESS: temporal.address,
      API_PORT: String(port),
      API_REQUESTS_PER_MINUTE: '1000000',
      LOG_LEVEL: 'info',
    });
    await untilApiStarted(api);
  };
  const killApi = async (): Promise<void> => {
    api.child.kill('SIGKILL');
    await api.code;
  };
  await startApi();
  stack.defer(killApi);

  const keyFile = join(folder, 'keys.json');
  writeFileSync(keyFile, JSON.stringify(keyList()));
  const teamFile = join(folder, 'teams.json');
  writeFileSync(teamFile, JSON.stringify(teamList()));
  const started = stack.move();
  return {
    ...{ db, folder, keyFile, teamFile, startApi, killApi },
    env: {
      DATABASE_URL: postgres.appUrl,
      API_URL: apiUrl,
      GATEWAY_API_KEY: plainKey,
      OPERATOR_API_KEY: operator.plainKey,
    },
    async startProxy(name, env = {}) {
      const proxy = await startLitellm({
        ...{ programs, apiUrl, apiKey: plainKey, keys: KEYS, masterKey: MASTER_KEY, env },
        folder: join(folder, name),
      });
      started.defer(() => proxy.stop());
      return proxy;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function keyList() {
  const keys = Object.entries(KEYS).map(([key, { team_id, key_alias, metadata }]) => ({
    ...{ token: hashOf(key), team_id, key_alias, metadata },
  }));
  return { keys, total_count: keys.length, current_page: 1, total_pages: 1 };
}

function teamList() {
  return Object.values(KEYS).map(({ team_id, team_metadata: metadata }) => ({ team_id, metadata }));
}
