import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { openTestDatabase, type OpenTestDatabase } from '../_util/open-test-database.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';

let opened: OpenTestDatabase;
let db: Database;

beforeAll(async () => {
  // One connection, because prepared statements belong to a connection.
  opened = await openTestDatabase('appUrl', 1);
  ({ db } = opened);
});
afterAll(() => opened.close());

test('prepares statements, except those whose plan depends on the size of their input', async () => {
  await seedCatalogue(db);
  await seedTenant(db, 'acme', [{ deploymentId: 'acme-a' }]);
  const ingestion = createIngestion({ db, now: () => new Date('2026-05-15T12:00:00Z') });
  const event = { tenant_id: 'acme', deployment_id: 'acme-a', occurred_at: '2026-05-15T11:00:00Z' };
  for (const id of ['first', 'second']) {
    const llm = {
      ...event,
      gateway_request_id: id,
      model: 'm',
      charge_cents: '1',
      currency: 'AUD',
    };
    const metered = { ...event, record_id: id, resource_kind: 'llm_tokens', qty: '1' };
    expect(await ingestion.ingest('llm', [llm])).toMatchObject([{ status: 'accepted' }]);
    expect(await ingestion.ingest('metered', [metered])).toMatchObject([{ status: 'accepted' }]);
  }
  await ingestion.close();

  const prepared = await db.anyFirst(
    sql.type(z.object({ statement: z.string() }))`SELECT statement FROM pg_prepared_statements`,
  );

  expect(prepared.some((text) => text.includes('FROM deployments'))).toBe(true);
  expect(
    prepared.filter((text) => /INSERT INTO (llm|metered)_usage.*FROM fresh/s.test(text)),
  ).toEqual([]);
});
