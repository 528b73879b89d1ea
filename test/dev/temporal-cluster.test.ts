import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { startPostgres } from '../../dev/postgres.ts';
import { startTemporalCluster } from '../../dev/temporal-cluster.ts';
import {
  NAMESPACE_RETENTION_DAYS,
  TEMPORAL_DATABASES,
  TEMPORAL_ROLE,
} from '../../dev/temporal-cluster-settings.ts';
import { findTemporalServer } from '../../scripts/lib/temporal-server.mjs';
import { BILLING_PERIOD } from '../../src/contracts/ids.ts';

const MISSING = 'the Temporal server has not been built (TEST_TEMPORAL=cluster npm run setup)';
const NAMESPACE = 'smoke';

test(
  'the real Temporal server keeps a workflow across a restart, in databases of its own role',
  { timeout: 120_000 },
  async (context) => {
    context.skip(findTemporalServer() === undefined, MISSING);
    const stateDir = mkdtempSync(join(tmpdir(), 'arcadia-test-cluster-'));
    onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
    const postgres = await startPostgres({ stateDir, durable: false });
    onTestFinished(() => postgres.stop());
    const { superuserUrl } = postgres;
    const options = { stateDir, superuserUrl, namespaces: [NAMESPACE] };

    const first = await startTemporalCluster(options);
    onTestFinished(() => first.stop());
    await withClient(first.address, async (client) => {
      await client.workflow.start('anyWorkflow', {
        workflowId: 'kept',
        taskQueue: 'nobody-polls',
        typedSearchAttributes: [{ key: BILLING_PERIOD, value: '2026-05' }],
      });
    });
    await first.stop();

    const second = await startTemporalCluster(options);
    onTestFinished(() => second.stop());
    expect(second.address).toBe(first.address);
    await withClient(second.address, async (client, connection) => {
      const { status, typedSearchAttributes } = await client.workflow.getHandle('kept').describe();
      expect(status.name).toBe('RUNNING');
      expect(typedSearchAttributes.get(BILLING_PERIOD)).toBe('2026-05');
      const { config } = await connection.workflowService.describeNamespace({
        namespace: NAMESPACE,
      });
      const retention = Number(config?.workflowExecutionRetentionTtl?.seconds);
      expect(retention).toBe(NAMESPACE_RETENTION_DAYS * 24 * 60 * 60);
    });
    expect(await ownersAndGuests(superuserUrl)).toEqual(
      Object.values(TEMPORAL_DATABASES).map((name) => ({
        name,
        owner: TEMPORAL_ROLE,
        isOpenToAll: false,
        isSuperuser: false,
      })),
    );
  },
);

async function withClient(
  address: string,
  work: (client: Client, connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await work(new Client({ connection, namespace: NAMESPACE }), connection);
  } finally {
    await connection.close();
  }
}

/** The Temporal databases: owner, whether every role may connect, whether the owner is a superuser. */
async function ownersAndGuests(superuserUrl: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(
      `SELECT datname AS name, rolname AS owner, rolsuper AS "isSuperuser",
              EXISTS (SELECT FROM aclexplode(datacl) WHERE grantee = 0) AS "isOpenToAll"
       FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba
       WHERE datname LIKE 'temporal%' ORDER BY datname`,
    );
    return rows;
  } finally {
    await client.end();
  }
}
