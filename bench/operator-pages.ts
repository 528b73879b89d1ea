import type pg from 'pg';
import { resolveOptions } from '../src/workflows/options.ts';
import { createKeys } from './lib/api-keys.ts';
import { startApiProcess } from './lib/api-process.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { measureMonthEnd } from './lib/measure-month-end.ts';
import { median } from './lib/median.ts';
import { MONTH, settle, USUAL_TENANT } from './lib/population.ts';

const TENANTS_PER_CHILD = 25;
/** Months with invoices, up to the one that is closed: as many as the chart of a month has. */
const MONTHS = 12;
/** What a page may take. The books scan the month, so they have a page of their own without a bound. */
const BOUND_MS = 100;

interface Subject {
  readonly invoiceId: string;
  readonly tenantId: string;
  readonly runningMonth: string;
}

/** The pages that operators use while a month is closed, and in the running month. */
const PAGES: readonly {
  readonly name: string;
  readonly path: (subject: Subject) => string;
  readonly isScan?: boolean;
}[] = [
  { name: 'all months', path: () => '/operator/months' },
  { name: 'the month', path: () => `/operator/months/${MONTH}` },
  { name: 'what moves while it is closed', path: () => `/operator/months/${MONTH}/live` },
  { name: 'its books', path: () => `/operator/months/${MONTH}/books`, isScan: true },
  { name: 'its invoices', path: () => `/operator/months/${MONTH}/invoices` },
  { name: 'the running month', path: ({ runningMonth }) => `/operator/months/${runningMonth}` },
  { name: 'an invoice', path: ({ invoiceId }) => `/operator/invoices/${invoiceId}` },
  { name: 'the tenants', path: () => '/operator/tenants' },
  { name: 'a tenant', path: ({ tenantId }) => `/operator/tenants/${tenantId}` },
  // Of all tenants whose id has one more character: up to ten.
  { name: 'the search', path: ({ tenantId }) => `/operator/search?q=${tenantId.slice(0, -1)}` },
];

/** Whether the operator pages of a large month are fast, and how they grow with it. */
export const operatorPages: Bench = {
  name: 'operator-pages',
  title: 'Operator pages of a month',
  sizes: {
    tenants: { full: 10_000, smoke: 8 },
    fewTenants: { full: 1000, smoke: 4 },
    visits: { full: 25, smoke: 2 },
  },
  async run(context) {
    const tenants = sizeOf(context, 'tenants');
    const fewTenants = sizeOf(context, 'fewTenants');
    const few = await measure(context, fewTenants);
    const many = await measure(context, tenants);
    return {
      figures: PAGES.map(({ name, isScan = false }, at): Figure => {
        const [value = Number.NaN, limit = Number.NaN] = [many[at], few[at]];
        return {
          name,
          measured: { value, unit: 'ms' },
          against: { value: limit, unit: 'ms', name: `with ${fewTenants} tenants` },
          ...(isScan ? {} : { bound: { atMost: BOUND_MS } }),
          note: `${tenants} tenants, ${MONTHS} months of invoices; the median of ${sizeOf(context, 'visits')} visits`,
        };
      }),
    };
  },
};

/** @returns the response time of each page in ms, after a first visit */
async function measure(context: BenchContext, tenants: number): Promise<readonly number[]> {
  await using servers = await context.startServers();
  const { database } = await measureMonthEnd(context, servers, {
    shape: { ...USUAL_TENANT, tenants },
    options: { ...resolveOptions({}), tenantsPerChild: TENANTS_PER_CHILD },
  });
  const subject = await database.asSuperuser(async (client) => {
    await insertEarlierInvoices(client);
    await insertRunningUsage(client);
    await settle(client);
    const { rows } = await client.query<Subject>(`
      SELECT invoice_id AS "invoiceId", tenant_id AS "tenantId",
        to_char(billing_month(now()), 'YYYY-MM') AS "runningMonth"
      FROM invoices WHERE period_start = '${MONTH}-01' ORDER BY number LIMIT 1`);
    const [found] = rows;
    if (found === undefined) throw new Error('the month has no invoices');
    return found;
  });
  const { operator } = await createKeys(database);
  const api = await startApiProcess({ databaseUrl: database.apiUrl });
  try {
    const cookie = await signIn(api.url, operator);
    const times: number[] = [];
    for (const { path } of PAGES) {
      const url = `${api.url}${path(subject)}`;
      await visit(url, cookie);
      const visits: number[] = [];
      while (visits.length < sizeOf(context, 'visits')) visits.push(await visit(url, cookie));
      times.push(median(visits));
    }
    return times;
  } finally {
    await api.stop();
  }
}

/** Gives the months before the same invoices and passes, without lines: the pages of a month don't read those of others. */
async function insertEarlierInvoices(client: pg.ClientBase): Promise<void> {
  const month = `(i.period_start - n * interval '1 month')::date`;
  await client.query(`
    SET session_replication_role = replica;
    CREATE TEMP TABLE earlier AS
      SELECT gen_random_uuid() AS id, n, ${month} AS month, i.*
      FROM invoices i, generate_series(1, ${MONTHS - 1}) n;
    INSERT INTO invoice_drafts (draft_id, tenant_id, period_start, state, owner, owner_started_at, closed_at)
      SELECT id, tenant_id, month, 'issued', 'past', month, month FROM earlier ORDER BY month, tenant_id;
    INSERT INTO invoices (invoice_id, tenant_id, period_start, period_end, revision, tenant_seq, number, currency,
        subtotal_cents, plan_base_cents, addon_cents, overage_cents, llm_usage_cents, taxable_cents, tax_cents,
        total_cents, buyer_name, payment_days, tax_treatment, tax_label, tax_rate, seller_registered)
      SELECT id, tenant_id, month, month + interval '1 month - 1 day', 1, 1000 - n, number || '/' || n, currency,
        subtotal_cents, plan_base_cents, addon_cents, overage_cents, llm_usage_cents, taxable_cents, tax_cents,
        total_cents, buyer_name, payment_days, tax_treatment, tax_label, tax_rate, seller_registered
      FROM earlier ORDER BY month, tenant_id;
    INSERT INTO tenant_outcomes (period_start, tenant_id, outcome, invoice_id)
      SELECT month, tenant_id, 'rolled', id FROM earlier ORDER BY month, tenant_id;
    INSERT INTO month_end_requests
        (period_start, request_id, kind, actor, content_hash, state, started_at, finished_at, manifest)
      SELECT DISTINCT month, 'past', 'run', 'bench', '\\x00'::bytea, 'finished', month, month,
        (SELECT manifest FROM month_end_requests WHERE manifest IS NOT NULL)
      FROM earlier;
    DROP TABLE earlier;
    RESET session_replication_role`);
}

/** Gives the running month the same usage as the closed one. */
async function insertRunningUsage(client: pg.ClientBase): Promise<void> {
  await client.query(`
    INSERT INTO usage_buckets
      (source, tenant_id, deployment_id, resource_kind, service_month, model, event_count, total)
    SELECT source, tenant_id, deployment_id, resource_kind, billing_month(now()), model, event_count, total
    FROM usage_buckets ORDER BY bucket_id`);
}

/** Signs in as a person does. @returns the session's cookie */
async function signIn(url: string, key: string): Promise<string> {
  const answer = await fetch(`${url}/sign-in`, {
    method: 'POST',
    headers: { accept: 'text/html', 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ key, then: '' }),
    redirect: 'manual',
  });
  const [cookie] = answer.headers.getSetCookie();
  if (cookie === undefined) throw new Error(`the sign-in was answered with ${answer.status}`);
  return cookie.split(';')[0] ?? '';
}

/** @returns the time to load the whole page, in ms */
async function visit(url: string, cookie: string): Promise<number> {
  const startedAt = performance.now();
  const answer = await fetch(url, { headers: { accept: 'text/html', cookie } });
  await answer.text();
  if (answer.status !== 200) throw new Error(`${url} was answered with ${answer.status}`);
  return performance.now() - startedAt;
}
