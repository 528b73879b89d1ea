import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startApi, type RunningApi } from '../../src/api/api-server.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import type { Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { runCli } from '../cli/_run-cli.ts';
import { openTestDatabase, type OpenTestDatabase } from '../_util/open-test-database.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { API_CONFIG } from '../_util/api-config.ts';

/** `usage replay` against the real API and ledger. */
let opened: OpenTestDatabase;
let db: Database;
let api: RunningApi;
let env: Record<string, string>;
let folder: string;
beforeAll(async () => {
  opened = await openTestDatabase('appUrl', 5);
  ({ db } = opened);
  await seedCatalogue(db);
  await seedTenant(db, 'acme', [{ deploymentId: 'acme-a' }, { deploymentId: 'acme-b' }]);
  await seedTenant(db, 'bravo');
  api = await startApi({
    db,
    monthEnd: null,
    watchdog: null,
    logger: pino({ level: 'silent' }),
    metrics: createMetrics(),
    host: '127.0.0.1',
    port: 0,
    config: API_CONFIG,
    now: () => new Date(),
  });
  const { plainKey } = await createKey(db, { scope: 'gateway', label: 'replay' });
  env = { DATABASE_URL: opened.testDatabase.appUrl, API_URL: api.url, GATEWAY_API_KEY: plainKey };
  folder = mkdtempSync(join(tmpdir(), 'arcadia-replay-'));
});
afterAll(async () => {
  await api.close();
  await opened.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Rows of a made-up trace, three quarters of a second apart. */
function writeTrace(name: string, rows: number, more = ''): string {
  const path = join(folder, name);
  const lines = Array.from({ length: rows }, (_, n) => {
    const time = new Date(Date.UTC(2023, 10, 16, 18) + n * 750).toISOString();
    return `${time.replace('T', ' ').replace('Z', '0000')},${(n * 37) % 9000},${(n * 11) % 800}`;
  });
  writeFileSync(path, `TIMESTAMP,ContextTokens,GeneratedTokens\n${lines.join('\n')}\n${more}`);
  return path;
}

const replay = (path: string, ...args: string[]) =>
  runCli(['usage', 'replay', path, '--month', MONTH, '--json', ...args], env);

function readLedger() {
  return db.any(sql.type(
    z.object({ deployment_id: z.string(), requests: z.number(), charge_cents: z.string() }),
  )`
    SELECT deployment_id, sum(event_count)::int AS requests, trim_scale(sum(total)) AS charge_cents
    FROM usage_buckets WHERE service_month = ${`${MONTH}-01`}::date
    GROUP BY deployment_id ORDER BY deployment_id
  `);
}

test('a trace replayed twice is counted once, exactly', async () => {
  const path = writeTrace('trace.csv', 1201);
  const first = await replay(path);
  expect(first).toMatchObject({ code: 0 });
  const summary = JSON.parse(first.stdout) as { deployments: object[] };
  expect(summary).toMatchObject({ counts: { accepted: 1201, duplicate: 0 } });
  const ledger = await readLedger();
  expect(ledger).toHaveLength(3);
  expect(summary.deployments).toMatchObject(ledger);

  const second = JSON.parse((await replay(path)).stdout) as object;
  expect(second).toMatchObject({
    counts: { accepted: 0, duplicate: 1201 },
    deployments: summary.deployments,
  });
  expect(await readLedger()).toEqual(ledger);
});

test('a malformed row is told by its line, and nothing is posted', async () => {
  const before = await readLedger();
  const path = writeTrace('slip.csv', 3, '2023-11-16 19:00:00,many,1\n');
  const { code, stderr } = await replay(path);
  expect(code).toBe(1);
  expect(JSON.parse(stderr)).toMatchObject({
    error: 'refused',
    reason: expect.stringContaining(
      'line 5: expected a number of tokens in ContextTokens, found "many"',
    ) as string,
  });
  expect(await readLedger()).toEqual(before);

  const skipping = await replay(path, '--skip-malformed', '--deployments', 'acme/acme-a');
  expect(JSON.parse(skipping.stdout)).toMatchObject({ counts: { accepted: 3 } });
});

test('the same trace on other deployments is a conflict, and exits with 3', async () => {
  const path = writeTrace('moved.csv', 4);
  await replay(path, '--deployments', 'acme/acme-a');
  const { code, stdout } = await replay(path, '--deployments', 'acme/acme-b');
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ counts: { conflict: 4 }, deployments: [] });
});
