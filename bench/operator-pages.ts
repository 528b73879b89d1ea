import { resolveOptions } from '../src/workflows/options.ts';
import { createKeys } from './lib/api-keys.ts';
import { startApiProcess } from './lib/api-process.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { measureMonthEnd } from './lib/measure-month-end.ts';
import { median } from './lib/median.ts';
import { MONTH, USUAL_TENANT } from './lib/population.ts';

const TENANTS_PER_CHILD = 25;

/** The pages that operators use while a month is closed. */
const PAGES = [
  { name: 'all months', path: () => '/operator/months' },
  { name: 'the month', path: () => `/operator/months/${MONTH}` },
  { name: 'what moves while it is closed', path: () => `/operator/months/${MONTH}/live` },
  { name: 'its invoices', path: () => `/operator/months/${MONTH}/invoices` },
  { name: 'an invoice', path: (invoiceId: string) => `/operator/invoices/${invoiceId}` },
] as const;

/** Whether the operator pages of a large month are as fast as those of a small one. */
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
      figures: PAGES.map(({ name }, at): Figure => {
        const [value = Number.NaN, limit = Number.NaN] = [many[at], few[at]];
        return {
          name,
          measured: { value, unit: 'ms' },
          against: { value: limit, unit: 'ms', name: `with ${fewTenants} tenants` },
          ratio: value / limit,
          note: `${tenants} tenants; the median of ${sizeOf(context, 'visits')} visits`,
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
  const invoiceId = await database.asSuperuser(async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'SELECT invoice_id AS id FROM invoices ORDER BY number LIMIT 1',
    );
    return rows[0]?.id ?? '';
  });
  const { operator } = await createKeys(database);
  const api = await startApiProcess({ databaseUrl: database.apiUrl });
  try {
    const cookie = await signIn(api.url, operator);
    const times: number[] = [];
    for (const { path } of PAGES) {
      const url = `${api.url}${path(invoiceId)}`;
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
