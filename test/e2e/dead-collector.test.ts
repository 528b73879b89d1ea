import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { createKey } from '../../src/db/access/api-keys.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { startCollector } from './_collector.ts';
import { startProcess, untilApiStarted } from './_start.ts';

/** A process that cannot export traces still works, warns once, and stops when told to. */
let world: World;
let key: string;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'globex']) await seedTenant(world.db, tenantId);
  ({ plainKey: key } = await createKey(world.db, { label: 'ops', scope: 'operator' }));
});
afterAll(() => world[Symbol.asyncDispose]());

test.each([
  ['refuses', '2026-05', 'refuses', {}],
  ['is away', '2026-04', null, { OTEL_EXPORTER_OTLP_TIMEOUT: '500' }],
  // One hour: a process that waited for it would not end in time.
  ['hangs', '2026-03', 'hangs', { OTEL_EXPORTER_OTLP_TIMEOUT: '3600000' }],
] as const)('works and stops although the collector %s', async (_, month, manner, env) => {
  await using collector = manner === null ? null : await startCollector(manner);
  const both = startProcess([], {
    DATABASE_URL: world.appUrl,
    TEMPORAL_ADDRESS: world.address,
    TEMPORAL_NAMESPACE: world.client.options.namespace,
    API_PORT: '0',
    WORKFLOW_BUNDLE: inject('workflowBundlePath'),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector?.url ?? 'http://127.0.0.1:1',
    ...env,
  });
  // In case it does not end by itself.
  onTestFinished(() => void both.child.kill('SIGKILL'));
  const url = await untilApiStarted(both);
  const response = await fetch(`${url}/api/v1/roll-ups`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ month }),
  });
  expect(response.status).toBe(202);
  const { totals } = await closed(world, month);
  expect(totals).toMatchObject({ rolled: 2, parked: 0 });
  const losses = () => both.output.split('\n').filter((line) => line.includes('traces are being'));
  if (manner === 'hangs') {
    await until(
      () => Promise.resolve(collector?.requests),
      (requests) => requests === 1,
    );
  } else {
    await until(
      () => Promise.resolve(losses()),
      (lines) => lines.length > 0,
    );
  }
  both.child.kill('SIGTERM');
  expect(await both.code, both.output).toBe(0);
  expect(both.output).toContain('"msg":"stopped"');
  expect(losses().length).toBe(manner === 'hangs' ? 0 : 1);
});
