import type { Express } from 'express';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/index.ts';
import { createApp } from '../../src/api/app.ts';
import { streamUsageCsv } from '../../src/audit/usage-csv.ts';
import { listInvoices } from '../../src/db/invoices/invoice-views.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { scopeToTenant } from '../../src/db/access/tenant-scope.ts';
import { linesOf } from '../_util/books.ts';
import { fillBooks, type FullBooks } from '../_util/full-books.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
let ours: FullBooks;
let theirs: FullBooks;
/** A line of theirs that has usage behind it. */
let lineNo: number;
beforeAll(async () => {
  api = await createTestApi();
  const { db } = api;
  const activities = createActivities({ ...ACTIVITY_DEPS, db });
  ours = await fillBooks(db, { activities }, 'ours');
  theirs = await fillBooks(db, { activities }, 'theirs');
  const lines = await linesOf(db, theirs.revised);
  lineNo = lines.find(({ kind }) => kind === 'overage')!.lineNo;
});
afterAll(() => api[Symbol.asyncDispose]());

/** The SQL of what was changed on its way. */
const changed: string[] = [];
beforeEach(() => {
  changed.length = 0;
});

/** Every condition on the tenant holds for everybody; the value stays, for PostgreSQL counts them. */
const withoutFilter = (text: string): string =>
  text.replaceAll(/\b(?:\w+\.)?tenant_id = (\$\w+)(?:::text)?/g, '($1::text IS NULL OR true)');
/** The tenant's scope is entered, and the role stays the API's. */
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

/** Everything that a tenant's key reads of one invoice. */
function pathsOf({ revised }: FullBooks): readonly string[] {
  const invoice = `/api/v1/invoices/${revised}`;
  return [
    invoice,
    `${invoice}/difference`,
    `${invoice}/lines/${lineNo}/usage`,
    `${invoice}/lines/${lineNo}/usage.csv`,
  ];
}
const LISTS = ['', '?include_superseded=true', '?status=paid', '?period=2026-05'];

describe('where a query forgets its filter by tenant', () => {
  let forgetful: Express;
  beforeAll(() => {
    forgetful = appOn(withoutFilter);
  });

  test.each(LISTS)('the list %s has own invoices only', async (query) => {
    const { status, text } = await get(forgetful, `/api/v1/invoices${query}`);
    expect(status).toBe(200);
    expect(text).toContain('"tenant_id":"ours"');
    expect(text).not.toContain('theirs');
    expect(changed).toEqual([expect.stringContaining('IS NULL OR true')]);
  });

  test("others' invoices, their differences and their usage are not there", async () => {
    for (const path of pathsOf(theirs)) {
      changed.length = 0;
      expect(await get(forgetful, path), path).toMatchObject({ status: 404 });
      expect(changed, path).toEqual([expect.stringContaining('IS NULL OR true')]);
    }
  });

  test('own ones are', async () => {
    for (const path of pathsOf(ours)) {
      const { status, text } = await get(forgetful, path);
      expect(status, path).toBe(200);
      expect(text).not.toContain('theirs');
    }
  });
});

describe('where neither the filter nor the scope holds', () => {
  let open: Express;
  beforeAll(() => {
    open = appOn((text) => withoutRole(withoutFilter(text)));
  });

  // What this can read are the columns of a tenant's view, of everybody's rows.
  test('it leaks: so the tests above can fail', async () => {
    for (const query of LISTS) {
      const { text } = await get(open, `/api/v1/invoices${query}`);
      expect(text).toContain('"tenant_id":"theirs"');
    }
    for (const path of pathsOf(theirs)) {
      expect(await get(open, path), path).toMatchObject({ status: 200 });
    }
  });
});

test('where the scope alone is missing, the filter holds', async () => {
  const unscoped = appOn(withoutRole);
  for (const path of pathsOf(theirs)) {
    changed.length = 0;
    expect(await get(unscoped, path), path).toMatchObject({ status: 404 });
    expect(changed, path).toEqual([expect.stringContaining('now() AS role')]);
  }
});

describe('with both', () => {
  test('a tenant reads its own, and nothing of others', async () => {
    for (const path of pathsOf(ours)) {
      expect(await get(api.app, path), path).toMatchObject({ status: 200 });
    }
    for (const path of pathsOf(theirs)) {
      expect(await get(api.app, path), path).toMatchObject({ status: 404 });
    }
  });

  test('who asked for a revision and who marked an invoice is not told', async () => {
    const { text } = await get(api.app, '/api/v1/invoices?include_superseded=true');
    const { invoices } = JSON.parse(text) as {
      invoices: { status: string; re_run: unknown; status_change: unknown }[];
    };
    const statuses = invoices.map(({ status }) => status).sort();
    expect(statuses).toEqual(['issued', 'paid', 'superseded']);
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
  // There is but one connection: this would wait for the end of the download.
  expect(await listInvoices(db, {}, { after: null, limit: 1 })).toHaveLength(1);
  await download.return(undefined);
});

/** The API's role on a single connection. */
async function openAlone(): Promise<Database & AsyncDisposable> {
  const url = api.apiUrl;
  const db = await openDatabase({ url, maxConnections: 1, applicationName: 'test-alone' });
  return Object.assign(db, { [Symbol.asyncDispose]: () => db.end() });
}
