import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/client/index.ts';
import { createKey, type NewApiKey } from '../../src/db/access/api-keys.ts';
import type { Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { startLocalStack } from '../../dev/stack.ts';
import { createSteps } from '../../dev/steps.ts';
import { ANY_TIME_ENV } from '../_util/any-time.ts';
import { hold } from '../../src/ingestion/quarantine/hold.ts';
import { seedCatalogue, seedSeller, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';

/** Whose keys the document is tried with; `none` sends no key. */
export const CALLERS = ['none', 'gateway', 'metering', 'operator', 'tenant'] as const;
export type Caller = (typeof CALLERS)[number];

/** The whole service on servers of its own, with what the document's examples speak of. */
export interface ContractWorld extends AsyncDisposable {
  readonly apiUrl: string;
  readonly keys: Readonly<Record<Caller, string | null>>;
  /** An invoice that exists; the document's examples have another id. */
  readonly invoiceId: string;
  /** An adjustment note that exists, on an invoice of another month. */
  readonly noteId: string;
}

const MONTH = '2026-05';
/** The month with the adjustment note, which settles its invoice. That of `MONTH` stays unsettled. */
const ADJUSTED_MONTH = '2026-04';

/** Starts the servers, seeds them, closes two months, and credits an invoice. */
export async function createContractWorld(): Promise<ContractWorld> {
  const stateDir = mkdtempSync(join(tmpdir(), 'arcadia-contract-'));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rmSync(stateDir, { recursive: true, force: true }));
  const stack = await startLocalStack({
    env: {
      API_PORT: '0',
      // No rate would be low enough to be met by chance and high enough for all that is sent.
      API_REQUESTS_PER_MINUTE: '1000000',
      API_FAILED_AUTHS_PER_MINUTE: '1000000',
      ...ANY_TIME_ENV,
      SIGNING_MASTER_SECRETS: 'm'.repeat(32),
      LOG_LEVEL: 'warn',
    },
    stateDir,
    steps: createSteps({ write: () => undefined }),
    signal: new AbortController().signal,
  });
  cleanUp.defer(() => stack.stop());
  const { db } = stack;
  await seed(db);
  const apiUrl = stack.env.API_URL;
  const keys = {
    none: null,
    gateway: await keyOf(db, { scope: 'gateway', label: 'contract gateway' }),
    metering: await keyOf(db, { scope: 'metering', label: 'contract metering' }),
    operator: await keyOf(db, { scope: 'operator', label: 'contract operator' }),
    tenant: await keyOf(db, { scope: 'tenant', label: 'contract tenant', tenantId: 'acme' }),
  };
  await postUsage(apiUrl, keys.gateway, keys.metering);
  const invoiceId = await closeMonth(apiUrl, keys.operator, MONTH);
  const noteId = await creditMonth(apiUrl, keys.operator);
  const started = cleanUp.move();
  return { apiUrl, keys, invoiceId, noteId, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

async function keyOf(db: Database, key: NewApiKey): Promise<string> {
  return (await createKey(db, key)).plainKey;
}

async function seed(db: Database): Promise<void> {
  await seedCatalogue(db);
  await seedSeller(db);
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO addons (addon_code, resource_kind, qty, price_cents)
    VALUES ('storage_50gb', 'spaces_gb_month', 50, 750)`);
  await seedTenant(db, 'acme');
  await seedTenant(db, 'zeta');
  await hold(db, null, [
    { sourceId: 'x', reason: 'malformed', detail: 'it has no id', fields: { tenant_id: 'acme' } },
  ]);
}

/** The events that the examples name. */
async function postUsage(baseUrl: string, gateway: string, metering: string): Promise<void> {
  const event = {
    tenant_id: 'acme',
    deployment_id: 'acme-a',
    occurred_at: `${MONTH}-20T08:30:00Z`,
  };
  await createClient({ baseUrl, apiKey: gateway }).POST('/api/v1/integrations/llm-usage', {
    body: {
      ...event,
      gateway_request_id: 'req_8f14e45f',
      model: 'large-2',
      charge_cents: '812.4',
    },
  });
  await createClient({ baseUrl, apiKey: gateway }).PUT(
    '/api/v1/integrations/control-totals/{deployment_id}/{day}',
    {
      params: { path: { deployment_id: event.deployment_id, day: `${MONTH}-20` } },
      body: { tenant_id: event.tenant_id, requests: 2, charge_cents: '900' },
    },
  );
  await createClient({ baseUrl, apiKey: metering }).POST('/api/v1/integrations/metered-usage', {
    body: {
      ...event,
      record_id: 'meter-2026-05-19-0001',
      resource_kind: 'llm_tokens',
      qty: '1500000',
    },
  });
}

/** Closes a month. @returns the id of acme's invoice */
async function closeMonth(baseUrl: string, operator: string, month: string): Promise<string> {
  const client = createClient({ baseUrl, apiKey: operator });
  await client.POST('/api/v1/roll-ups', { body: { month, request_id: `seed-${month}` } });
  const query = { tenant_id: 'acme', month };
  const { data } = await until(
    () => client.GET('/api/v1/invoices', { params: { query } }),
    (answer) => answer.data?.invoices.length === 1,
  );
  return data!.invoices[0]!.invoice_id;
}

/** Credits a line of acme's invoice. @returns the id of the adjustment note */
async function creditMonth(baseUrl: string, operator: string): Promise<string> {
  const invoiceId = await closeMonth(baseUrl, operator, ADJUSTED_MONTH);
  const client = createClient({ baseUrl, apiKey: operator });
  const { data } = await client.POST('/api/v1/invoices/{invoice_id}/credits', {
    params: { path: { invoice_id: invoiceId } },
    body: { request_id: 'seed', line_no: 1, amount_cents: 100, reason: 'an outage' },
  });
  if (data === undefined) throw new Error('the credit was refused');
  return data.adjustment_note_id;
}
