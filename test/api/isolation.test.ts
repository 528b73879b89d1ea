import type { Express } from 'express';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createApp } from '../../src/api/app.ts';
import { streamUsageCsv } from '../../src/audit/usage-csv.ts';
import { listInvoices } from '../../src/db/invoices/invoice-views.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { scopeToTenant } from '../../src/db/access/tenant-scope.ts';
import { linesOf, notesOf } from '../_util/books.ts';
import { forceInvoices, settleInvoice } from '../_util/build.ts';
import { fillBooks, type FullBooks } from '../_util/full-books.ts';
import { seedUsage } from '../_util/seed.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { signIn } from './_pages.ts';

let api: TestApi;
let ours: FullBooks;
let theirs: FullBooks;
/** A line of the other tenant with usage. */
let lineNo: number;
/** An adjustment note of each tenant whose first line is LLM usage. */
let notes: Readonly<Record<string, string>>;
beforeAll(async () => {
  api = await createTestApi();
  const { db } = api;
  const activities = createActivities({ ...ACTIVITY_DEPS, db });
  ours = await fillBooks(db, { activities }, 'ours');
  theirs = await fillBooks(db, { activities }, 'theirs');
  const lines = await linesOf(db, theirs.revised);
  lineNo = lines.find(({ kind }) => kind === 'overage')!.lineNo;
  notes = { ours: await adjust('ours', ours), theirs: await adjust('theirs', theirs) };
});
afterAll(() => api[Symbol.asyncDispose]());

/** Adjusts a tenant's invoice. @returns the id of the adjustment note */
async function adjust(tenantId: string, { revised }: FullBooks): Promise<string> {
  const { db } = api;
  await settleInvoice(api, { invoiceId: revised });
  const late = { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '10' };
  await seedUsage(db, late);
  await forceInvoices({ activities: createActivities({ ...ACTIVITY_DEPS, db }) }, [tenantId]);
  const issued = await notesOf(db, tenantId);
  return issued.at(-1)!.invoiceId;
}

/** The SQL of the changed queries. */
const changed: string[] = [];
beforeEach(() => {
  changed.length = 0;
});

/** Makes every tenant condition true; the value stays because PostgreSQL counts parameters. */
const withoutFilter = (text: string): string =>
  text.replaceAll(/\b(?:\w+\.)?tenant_id = (\$\w+)(?:::text)?/g, '($1::text IS NULL OR true)');
/** Enters the tenant's scope but keeps the API's role. */
const withoutRole = (text: string): string =>
  text.replace(/set_config\('role', 'arcadia_tenant', true\)/, 'now()');

function appOn(change: (text: string) => string): Express {
  const db = interceptQueries(api.deps.db, (query) => {
    const text = change(query.sql);
    if (text !== query.sql) changed.push(text);
    return { ...query, sql: text };
  });
  return createApp({ ...api.deps, db });
}

async function get(app: Express, path: string, key: string = ours.plainKey) {
  const { status, text } = await request(app).get(path).set('Authorization', `Bearer ${key}`);
  return { status, text };
}

/** Everything that a tenant's key reads of one invoice and of the note that adjusts it. */
function pathsOf({ revised }: FullBooks): readonly string[] {
  const invoice = `/api/v1/invoices/${revised}`;
  const note = `/api/v1/adjustment-notes/${revised === ours.revised ? notes.ours : notes.theirs}`;
  return [
    invoice,
    `${invoice}/difference`,
    `${invoice}/comparison`,
    `${invoice}/lines/${lineNo}/usage`,
    `${invoice}/lines/${lineNo}/usage.csv`,
    note,
    `${note}/lines/1/usage`,
    `${note}/lines/1/usage.csv`,
  ];
}
const LISTS = [
  ...['invoices', 'invoices?include_superseded=true', 'invoices?status=void'],
  ...['invoices?month=2026-05', 'adjustment-notes', 'adjustment-notes?month=2026-05'],
  'usage-thresholds',
];

/** The pages of a tenant's key that name no document. */
const TENANT_LISTS = [
  ...['/tenant/invoices', '/tenant/payments', '/tenant/adjustment-notes'],
  '/tenant/usage/2026-05.csv',
];
const TENANT_PAGES = ['/tenant', ...TENANT_LISTS, '/tenant/usage/2026-05', '/tenant/thresholds'];

describe('if a query lacks its tenant filter', () => {
  let forgetful: Express;
  beforeAll(() => {
    forgetful = appOn(withoutFilter);
  });

  test.each(LISTS)("the list %s only has the tenant's own documents", async (query) => {
    const { status, text } = await get(forgetful, `/api/v1/${query}`);
    expect(status).toBe(200);
    expect(text).toContain('"tenant_id":"ours"');
    expect(text).not.toContain('theirs');
    expect(changed).toEqual([expect.stringContaining('IS NULL OR true')]);
  });

  test("other tenants' invoices, differences, notes and usage are not found", async () => {
    for (const path of pathsOf(theirs)) {
      changed.length = 0;
      expect(await get(forgetful, path), path).toMatchObject({ status: 404 });
      expect(changed, path).toEqual([expect.stringContaining('IS NULL OR true')]);
    }
  });

  test("pages only have the tenant's own data", async () => {
    const visitor = await signIn(forgetful, ours.plainKey);
    for (const path of TENANT_PAGES) {
      changed.length = 0;
      const { status, text } = await visitor.get(path);
      expect(status, path).toBe(200);
      expect(text, path).not.toContain('theirs');
      expect(changed, path).toContainEqual(expect.stringContaining('IS NULL OR true'));
    }
  });

  test("the tenant's own are found", async () => {
    for (const path of pathsOf(ours)) {
      const { status, text } = await get(forgetful, path);
      expect(status, path).toBe(200);
      expect(text).not.toContain('theirs');
    }
  });
});

describe('if both filter and scope are missing', () => {
  let open: Express;
  beforeAll(() => {
    open = appOn((text) => withoutRole(withoutFilter(text)));
  });

  // This can read a tenant's columns, but in every tenant's rows.
  test('data leaks, which shows that the tests above can fail', async () => {
    for (const query of LISTS) {
      const { text } = await get(open, `/api/v1/${query}`);
      expect(text).toContain('"tenant_id":"theirs"');
    }
    for (const path of pathsOf(theirs)) {
      expect(await get(open, path), path).toMatchObject({ status: 200 });
    }
    const visitor = await signIn(open, ours.plainKey);
    for (const path of TENANT_LISTS) {
      const { text } = await visitor.get(path);
      expect(text, path).toContain('theirs');
    }
  });
});

test('if only the scope is missing, the filter still protects', async () => {
  const unscoped = appOn(withoutRole);
  for (const path of pathsOf(theirs)) {
    changed.length = 0;
    expect(await get(unscoped, path), path).toMatchObject({ status: 404 });
    expect(changed, path).toEqual([expect.stringContaining('now() AS role')]);
  }
});

describe('with filter and scope', () => {
  test('a tenant reads only its own data', async () => {
    for (const path of pathsOf(ours)) {
      expect(await get(api.app, path), path).toMatchObject({ status: 200 });
    }
    for (const path of pathsOf(theirs)) {
      expect(await get(api.app, path), path).toMatchObject({ status: 404 });
    }
  });

  test('a tenant does not see who requested a revision or changed a status', async () => {
    const { text } = await get(api.app, '/api/v1/invoices?include_superseded=true');
    const { invoices } = JSON.parse(text) as {
      invoices: { status: string; re_run: unknown; status_change: unknown }[];
    };
    const statuses = invoices.map(({ status }) => status).sort();
    expect(statuses).toEqual(['issued', 'issued', 'superseded', 'void']);
    for (const { re_run, status_change } of invoices) {
      expect({ re_run, status_change }).toEqual({ re_run: null, status_change: null });
    }
    const operators = await get(api.app, `/api/v1/invoices/${ours.revised}`, api.keys.operator);
    expect(operators.text).toContain('"reason":"a test"');
  });
});

test('a download holds no connection while its reader is slow', async () => {
  await using db = await openAlone();
  const scope = scopeToTenant(db, 'ours');
  const download = streamUsageCsv(scope, ours.revised, lineNo);
  const header = await download.next();
  expect(header.value).toMatch(/^event_id,/);
  const page = await download.next();
  expect(page.value).toContain('seed-');
  // There is only one connection, so this would wait for the download.
  expect(await listInvoices(db, {}, { after: null, limit: 1 })).toHaveLength(1);
  await download.return(undefined);
});

/** The API's role on a single connection. */
async function openAlone(): Promise<Database & AsyncDisposable> {
  const url = api.apiUrl;
  const db = await openDatabase({ url, maxConnections: 1, applicationName: 'test-alone' });
  return Object.assign(db, { [Symbol.asyncDispose]: () => db.end() });
}
