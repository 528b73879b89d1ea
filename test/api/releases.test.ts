import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createApp } from '../../src/api/app.ts';
import { TemporalUnavailableError } from '../../src/api/http/month-end-port.ts';
import { ROUTES } from '../../src/api/routes/all-routes.ts';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import type { CommittedRelease } from '../../src/temporal/month-end-client.ts';
import { invoicesOf, linesOf, notesOf } from '../_util/books.ts';
import { forceInvoices } from '../_util/build.ts';
import { fillBooks, type FullBooks } from '../_util/full-books.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { MONTH, seedSeller, seedUsage } from '../_util/seed.ts';
import { createTestApi, type TestApi } from './_harness.ts';

let api: TestApi;
let ours: FullBooks;
let theirs: FullBooks;
/** Our adjustment note of the same month. */
let noteId: string;
/** The line with usage of our revision, and of the note. */
let lineNo: number;
let noteLineNo: number;
const told: CommittedRelease[] = [];
let isTemporalUp = true;
beforeAll(async () => {
  api = await createTestApi(
    {
      monthEnd: {
        request: ({ month }) => Promise.resolve(`month-end-${month}`),
        tellRelease: (release) => {
          if (!isTemporalUp) return Promise.reject(new TemporalUnavailableError('unreachable'));
          told.push(release);
          return Promise.resolve();
        },
        progress: () => Promise.resolve(null),
        run: (month) => Promise.resolve({ month, state: 'none', served: [] }),
        check: () => Promise.resolve(),
      },
    },
    { seller: false },
  );
  const { db } = api;
  await seedSeller(db, { release: 'review' });
  const world = { activities: createActivities({ ...ACTIVITY_DEPS, db }) };
  ours = await fillBooks(db, world, 'ours');
  theirs = await fillBooks(db, world, 'theirs');
  lineNo = await lineWithUsage(ours.revised);
  const usage = { tenantId: 'ours', deploymentId: 'ours-a', kind: 'droplet_hours' };
  const number = (await invoicesOf(db, 'ours')).find((i) => i.invoiceId === ours.revised)!.number;
  await pay(db, number, 100);
  await seedUsage(db, { ...usage, amount: '10' });
  await forceInvoices(world, ['ours']);
  noteId = (await notesOf(db, 'ours'))[0]!.invoiceId;
  noteLineNo = await lineWithUsage(noteId);
});
afterAll(() => api[Symbol.asyncDispose]());

async function lineWithUsage(documentId: string): Promise<number> {
  const lines = await linesOf(api.db, documentId);
  return lines.find(({ kind }) => kind === 'overage')!.lineNo;
}

const get = (path: string, key = ours.plainKey, app = api.app) =>
  request(app).get(path).set('Authorization', `Bearer ${key}`);
const post = (body: object, key = api.keys.operator) =>
  api.call('post', '/api/v1/releases', { key, body });

/**
 * Every route by which a tenant's key reads documents, payments or balances. Usage isn't released, and what its routes
 * show of a month before that is tested in usage-export.test.ts and test/audit/running-month.test.ts.
 */
const TENANTS_PATHS = ROUTES.filter(
  ({ method, path, scopes }) =>
    method === 'get' &&
    scopes?.includes('tenant') === true &&
    !/^\/api\/v1\/(?:settings$|usage)/.test(path),
).map(({ path }) => path);
const LISTS = TENANTS_PATHS.filter((path) => !path.includes('{'));
/** Those of one document: of our revision, its predecessor and the note. */
const documentPaths = () =>
  TENANTS_PATHS.filter((path) => path.includes('{')).flatMap((path) =>
    path.includes('{invoice_id}')
      ? [
          path.replace('{invoice_id}', ours.revised).replace('{line_no}', String(lineNo)),
          path.replace('{invoice_id}', ours.superseded).replace('{line_no}', String(lineNo)),
        ]
      : path.replace('{adjustment_note_id}', noteId).replace('{line_no}', String(noteLineNo)),
  );
/** Numbers of documents begin with it. */
const OURS = /ours-[A0]/;

test('there is a route of each kind, and each parameter of a path is known', () => {
  expect(LISTS).toEqual(
    expect.arrayContaining(['/api/v1/invoices', '/api/v1/adjustment-notes', '/api/v1/payments']),
  );
  expect(documentPaths().length).toBeGreaterThan(15);
  expect(documentPaths().join()).not.toContain('{');
});

describe('before the release', () => {
  test('no list shows the tenant anything, and operators see all', async () => {
    for (const path of [...LISTS, '/api/v1/invoices?include_superseded=true']) {
      const tenants = await get(path);
      expect(tenants.status, path).toBe(200);
      expect(tenants.text, path).not.toMatch(OURS);
      expect(tenants.text, path).not.toContain('-01');
      expect((await get(path, api.keys.operator)).text, path).toContain('ours');
    }
  });

  test('no route shows the tenant a document, and operators see each', async () => {
    for (const path of documentPaths()) {
      expect((await get(path)).status, path).toBe(404);
      expect((await get(path, api.keys.operator)).status, path).toBe(200);
    }
  });

  test('row level security hides it: without the role the filters show it', async () => {
    const db = interceptQueries(api.deps.db, (query) => ({
      ...query,
      sql: query.sql.replace(/set_config\('role', 'arcadia_tenant', true\)/, 'now()'),
    }));
    const unscoped = createApp({ ...api.deps, db });
    for (const path of documentPaths()) {
      expect((await get(path, ours.plainKey, unscoped)).status, path).toBe(200);
    }
  });

  test('the month shows what waits', async () => {
    const { body } = await get(`/api/v1/roll-ups/${MONTH}`, api.keys.operator);
    expect(body).toMatchObject({ review: { waiting: 2, since: expect.any(String) as string } });
  });
});

describe('a request to release', () => {
  test.each([
    [{ month: MONTH, all: true }, '/reason'],
    [{ month: MONTH, reason: 'reviewed' }, '/tenant_ids'],
    [{ month: MONTH, reason: 'reviewed', all: true, tenant_ids: ['ours'] }, '/tenant_ids'],
    [{ month: MONTH, reason: 'reviewed', all: false }, '/all'],
    [{ month: MONTH, reason: 'reviewed', tenant_ids: [] }, '/tenant_ids'],
    [{ month: MONTH, reason: 'reviewed', tenant_ids: ['nobody'] }, '/tenant_ids/0'],
    [{ month: '2026-13', reason: 'reviewed', all: true }, '/month'],
  ])('%j is rejected at %s', async (body, pointer) => {
    const { status, body: problem } = await post(body);
    expect(status).toBe(422);
    const { errors } = problem as { errors: { pointer: string }[] };
    expect(errors.map((error) => error.pointer)).toContain(pointer);
  });

  test.each(['acme', 'gateway', 'metering'] as const)('is not for the key of %s', async (name) => {
    const { status } = await post({ month: MONTH, reason: 'mine', all: true }, api.keys[name]);
    expect(status).toBe(403);
  });

  test('names what it released, and is on record', async () => {
    const body = {
      month: MONTH,
      tenant_ids: ['ours', 'acme'],
      reason: 'reviewed',
      request_id: 'r-1',
    };
    const { status, body: answer } = await post(body);
    expect(status).toBe(200);
    const expected = {
      month: MONTH,
      request_id: 'r-1',
      released_invoices: 1,
      released: [{ tenant_id: 'ours', invoice_id: ours.revised }],
      already_released: [],
      not_released: [{ tenant_id: 'acme', reason: `tenant acme has no invoice for ${MONTH}` }],
      waiting_invoices: 1,
    };
    expect(answer).toMatchObject(expected);
    expect((await post(body)).body).toMatchObject(expected);
    const other = await post({ ...body, request_id: 'r-2' });
    expect(other.body).toMatchObject({ released_invoices: 0, already_released: ['ours'] });

    const [action] = await listOperatorActions(api.db, {}, { after: null, limit: 1 });
    expect(action).toMatchObject({
      actor: 'key:ops',
      action: 'postRelease',
      month_request: `${MONTH}/r-2`,
      tenant_ids: ['ours', 'acme'],
      reason: 'reviewed',
      outcome: 'done',
    });
    // So that the Web UI shows what still waits.
    expect(told[0]).toEqual({
      month: MONTH,
      requestId: 'r-1',
      actor: 'key:ops',
      reason: 'reviewed',
      tenantIds: ['ours', 'acme'],
    });
  });
});

describe('after the release', () => {
  test('the tenant sees every revision of the month by every route, and no other month', async () => {
    for (const path of documentPaths()) expect((await get(path)).status, path).toBe(200);
    for (const path of LISTS) expect((await get(path)).text, path).toMatch(/"ours[-"]/);
    const { body } = await get('/api/v1/invoices?include_superseded=true');
    const { invoices } = body as { invoices: { period_start: string; due_on: string }[] };
    expect(invoices.map(({ period_start }) => period_start)).toEqual(['2026-05-01', '2026-05-01']);
    expect(invoices[0]?.due_on).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect((await get('/api/v1/invoices', theirs.plainKey)).body).toMatchObject({ invoices: [] });
  });

  test('without Temporal the release is committed all the same', async () => {
    isTemporalUp = false;
    const { status, body } = await post({ month: MONTH, all: true, reason: 'reviewed' });
    isTemporalUp = true;
    expect(status).toBe(200);
    expect(body).toMatchObject({ released: [{ tenant_id: 'theirs' }], waiting_invoices: 0 });
    expect((await get(`/api/v1/invoices/${theirs.revised}`, theirs.plainKey)).status).toBe(200);
  });
});
