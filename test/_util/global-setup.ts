import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/db/migrate.ts';
import { ensureRolesAndDatabase, startPostgres } from '../../dev/postgres.ts';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { startTemporal } from '../../dev/temporal.ts';
import { startTestTemporal } from './start-temporal.ts';
import { NAMESPACE_COUNT, NAMESPACE_SEQUENCE, namespaceName } from './temporal.ts';
import { TEMPLATE } from './database.ts';
import { writeWorkflowBundle } from './workflow-bundle.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    superuserUrl: string;
    temporalAddress: string;
    /** Null where the server runs without its Web UI. */
    temporalUiUrl: string | null;
    /** Today's workflow code: bundling it takes seconds. */
    workflowBundlePath: string;
  }
}

/** A database with the migrations applied, which every test file gets its own copy of. */
async function makeTemplate(superuserUrl: string): Promise<void> {
  const { migratorUrl } = await ensureRolesAndDatabase(superuserUrl, { database: TEMPLATE });
  await migrate({ databaseUrl: migratorUrl });
}

/** For all tests that need no Web UI. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return startTestServers(project, { headless: true });
}

/**
 * Starts one PostgreSQL and one Temporal server for all test files, in a separate folder, so that a running demo isn't
 * disturbed.
 * @returns a function that stops them
 */
export async function startTestServers(
  project: TestProject,
  { headless }: { readonly headless: boolean },
): Promise<() => Promise<void>> {
  const stateDir = mkdtempSync(join(tmpdir(), 'arcadia-test-'));
  const namespaces = Array.from({ length: NAMESPACE_COUNT }, (_, i) => namespaceName(i + 1));
  const [postgres, temporal, bundle] = await Promise.allSettled([
    startPostgres({ stateDir, durable: false }),
    // The real server has no Web UI.
    (headless ? startTestTemporal : startTemporal)({ stateDir, namespaces, headless }),
    writeWorkflowBundle(stateDir),
  ]);
  const teardown = async (): Promise<void> => {
    for (const server of [postgres, temporal]) {
      if (server.status === 'fulfilled') await server.value.stop();
    }
    rmSync(stateDir, { recursive: true, force: true });
  };
  try {
    if (postgres.status === 'rejected') throw postgres.reason;
    if (temporal.status === 'rejected') throw temporal.reason;
    if (bundle.status === 'rejected') throw bundle.reason;
    const { superuserUrl } = postgres.value;
    await makeTemplate(superuserUrl);
    await asSuperuser(superuserUrl, (client) =>
      client.query(`CREATE SEQUENCE ${NAMESPACE_SEQUENCE}`),
    );
    project.provide('superuserUrl', superuserUrl);
    project.provide('temporalAddress', temporal.value.address);
    project.provide('temporalUiUrl', temporal.value.uiUrl ?? null);
    project.provide('workflowBundlePath', bundle.value);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
