import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeWorkflowBundle } from './bundle.ts';
import { runSeed } from './run-seed.ts';
import { FAULT_KINDS } from './schedule.ts';

/** The short form of `npm run test:faults`; it has servers of its own, to stop and start. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcadia-faults-bundle-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('each kind of fault once, while usage comes in: nothing is lost, nothing is billed twice', async () => {
  const result = await runSeed({
    seed: 1,
    tenants: 25,
    isShort: true,
    workflowBundlePath: await writeWorkflowBundle(folder),
  });
  expect(result.violations).toEqual([]);
  expect(result.faults).toEqual(Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 1])));
  expect(result.events).toBeGreaterThan(100);
  expect(result.supersededInvoices).toBeGreaterThan(0);
}, 300_000);
