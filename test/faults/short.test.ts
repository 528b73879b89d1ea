import { expect, inject, test } from 'vitest';
import { runSeed } from './run-seed.ts';
import { FAULT_KINDS } from './schedule.ts';

/** The short form of `npm run test:faults`. It starts its own servers, because it also stops them. */
test('each kind of fault once, while usage comes in, loses nothing and bills nothing twice', async () => {
  const result = await runSeed({
    seed: 1,
    tenants: 25,
    isShort: true,
    workflowBundlePath: inject('workflowBundlePath'),
  });
  expect(result.violations).toEqual([]);
  expect(result.faults).toEqual(Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 1])));
  expect(result.events).toBeGreaterThan(100);
  expect(result.supersededInvoices).toBeGreaterThan(0);
  expect(result.payments).toBeGreaterThan(0);
  expect(result.items).toBeGreaterThan(0);
}, 300_000);
