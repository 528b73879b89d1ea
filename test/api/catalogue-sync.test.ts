import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import type { Database } from '../../src/db/pool.ts';
import { applyCatalogueFile } from '../../src/catalogue/apply-catalogue.ts';
import { applySubscriptionsFile } from '../../src/catalogue/apply-subscriptions.ts';
import { operatorOf, type Operator } from './_catalogue.ts';
import { createTestApi, type TestApi } from './_harness.ts';

/** The demo's platform; its plan `studio` is another one than that of the harness. */
function demoText(name: string): string {
  const text = readFileSync(new URL(`../../demo/${name}.json`, import.meta.url), 'utf8');
  return text.replaceAll('"studio"', '"demo-studio"');
}
const CATALOGUE = demoText('catalogue');
const SUBSCRIPTIONS = demoText('subscriptions');

interface Catalogue {
  readonly units?: readonly object[];
  readonly plans: readonly { readonly code: string; readonly versions: readonly Version[] }[];
  readonly addons: readonly { readonly code: string }[];
}
interface Version {
  readonly version: number;
}
interface Subscriptions {
  readonly tenants: readonly {
    readonly tenant_id: string;
    readonly name: string;
    readonly currency: string;
    readonly buyer?: object;
    readonly deployments: readonly {
      readonly deployment_id: string;
      readonly subscriptions: readonly { readonly subscription_id: string }[];
    }[];
  }[];
}

let byApi: TestApi;
let byFile: TestApi;
beforeAll(async () => {
  [byApi, byFile] = await Promise.all([createTestApi(), createTestApi()]);
});
afterAll(async () => {
  await byApi[Symbol.asyncDispose]();
  await byFile[Symbol.asyncDispose]();
});

/** Sends everything one by one. @returns how often each status was answered */
async function putAll({ put }: Operator): Promise<Record<number, number>> {
  const statuses: Record<number, number> = {};
  const send = async (path: string, body: object) => {
    const { status } = await put(path, body);
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const { units = [], plans, addons } = JSON.parse(CATALOGUE) as Catalogue;
  // Units have no call of their own.
  await put('catalogue', { units });
  for (const { code, versions } of plans) {
    for (const { version, ...terms } of versions) {
      await send(`plans/${code}/versions/${version}`, terms);
    }
  }
  for (const { code, ...terms } of addons) await send(`addons/${code}`, terms);
  const { tenants } = JSON.parse(SUBSCRIPTIONS) as Subscriptions;
  for (const { tenant_id, deployments, ...terms } of tenants) {
    await send(`tenants/${tenant_id}`, terms);
    for (const { deployment_id, subscriptions } of deployments) {
      await send(`deployments/${deployment_id}`, { tenant_id });
      for (const { subscription_id, ...terms } of subscriptions) {
        await send(`subscriptions/${subscription_id}`, { deployment_id, ...terms });
      }
    }
  }
  return statuses;
}

/** Every row with the transaction that wrote it, to detect any write. */
async function rowsOf(superuserUrl: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const rows: unknown[] = [];
    for (const table of [
      'units',
      'plans',
      'plan_versions',
      'plan_items',
      'addons',
      'tenants',
      'buyer_details',
      'deployments',
      'subscriptions',
      'subscription_addons',
    ]) {
      const found = await client.query(`SELECT xmin, t::text FROM ${table} t ORDER BY 2`);
      rows.push(table, ...(found.rows as unknown[]));
    }
    return rows;
  } finally {
    await client.end();
  }
}

async function previewOf(db: Database): Promise<readonly TenantPreview[]> {
  const previews: TenantPreview[] = [];
  await previewMonth(db, '2026-05', {
    bounds: NO_BOUNDS,
    tenantIds: null,
    onTenant: (tenant) => previews.push(tenant),
  });
  return previews;
}

test('a whole platform can be sent one by one, and sending it again changes nothing', async () => {
  const operator = operatorOf(byApi);
  const first = await putAll(operator);
  expect(Object.keys(first)).toEqual(['201']);
  const quote = await operator.post('quote', {
    plan_code: 'demo-studio',
    addons: ['storage_50gb'],
  });
  expect(quote.body).toMatchObject({ recurring: { monthly_total_cents: 5750 } });

  const before = await rowsOf(byApi.superuserUrl);
  expect(await putAll(operator)).toEqual({ 200: first[201] });
  expect(await rowsOf(byApi.superuserUrl)).toEqual(before);
});

test('is billed like one applied from files, and the files change nothing', async () => {
  await applyCatalogueFile(byFile.db, { name: 'catalogue', bytes: Buffer.from(CATALOGUE) });
  await applySubscriptionsFile(byFile.db, {
    name: 'subscriptions',
    bytes: Buffer.from(SUBSCRIPTIONS),
  });
  const previews = await previewOf(byApi.db);
  // The demo's tenants, one of them parked, and the two of the harness.
  expect(previews).toHaveLength(30);
  expect(previews.filter(({ preview }) => preview.parked !== null)).toHaveLength(1);
  expect(previews).toEqual(await previewOf(byFile.db));

  const before = await rowsOf(byApi.superuserUrl);
  const { put } = operatorOf(byApi);
  const catalogue = await put('catalogue', JSON.parse(CATALOGUE));
  expect(catalogue.body).toEqual({
    dry_run: false,
    changes: {
      units: { new: 0, changed: 0, unchanged: expect.any(Number) },
      plan_versions: { new: 0, changed: 0, unchanged: 4 },
      addons: { new: 0, changed: 0, unchanged: expect.any(Number) },
    },
  });
  const subscriptions = await put('subscriptions', JSON.parse(SUBSCRIPTIONS));
  expect(subscriptions.body).toMatchObject({
    changes: {
      tenants: { new: 0, changed: 0, unchanged: 28 },
      deployments: { new: 0, changed: 0, unchanged: 63 },
      subscriptions: { new: 0, changed: 0 },
      subscription_addons: { new: 0, changed: 0 },
    },
    warnings: [{ detail: expect.stringContaining('month end will park tenant southern-cross') }],
  });
  expect(await rowsOf(byApi.superuserUrl)).toEqual(before);
});
