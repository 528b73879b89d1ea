import { pino } from 'pino';
import type { Express } from 'express';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createApp } from '../../src/api/app.ts';
import { createMonthEndPort } from '../../src/api/http/month-end-port.ts';
import { readMonthTotals } from '../../src/db/invoices/month-totals.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { showRequest } from '../../src/db/month-end/request-views.ts';
import { openDatabase, type Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { createRenderer } from '../../src/documents/renderer.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { createMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { createTemporalLinks } from '../../src/temporal/temporal-links.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { API_CONFIG } from '../_util/api-config.ts';
import { invoicesOf } from '../_util/books.ts';
import { settleInvoice } from '../_util/build.ts';
import {
  MONTH,
  seedCatalogue,
  seedSeller,
  seedTenant,
  seedUsage,
  seedRequest,
} from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { formOf, read, signIn, type TestBrowser } from './_pages.ts';

/** A month closed on real servers, then inspected and corrected with the pages. */
const BEFORE = '2026-04';

let world: World;
let apiDb: Database;
let app: Express;
let operator: TestBrowser;
beforeAll(async () => {
  world = await createWorld();
  apiDb = await openDatabase({ url: world.apiUrl, maxConnections: 5, applicationName: 'test-api' });
  const now = () => new Date();
  app = createApp({
    db: apiDb,
    now,
    monthEnd: createMonthEndPort(world.client),
    watchdog: null,
    ingestion: createIngestion({ db: apiDb, now, timeBounds: ANY_TIME }),
    documents: createRenderer(),
    logger: pino({ level: 'silent' }),
    metrics: createMetrics(),
    config: API_CONFIG,
    temporalLinks: createTemporalLinks('http://localhost:8233', 'here'),
  });
  const { plainKey } = await createKey(world.db, { label: 'ops', scope: 'operator' });
  operator = await signIn(app, plainKey);

  await seedCatalogue(world.db);
  await seedSeller(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'globex');
  await seedTenant(world.db, 'initech');
  await seedTenant(world.db, 'broken', [{ deploymentId: 'broken-a', planVersionId: null }]);
  // Globex is the outlier: it uses a hundred times as much as in the month before.
  const globex = { tenantId: 'globex', deploymentId: 'globex-a', kind: 'llm_usage' };
  await seedUsage(world.db, { ...globex, amount: '100', month: BEFORE });
  await seedUsage(world.db, { ...globex, amount: '10000' });
  await world.startWorker();
  for (const month of [BEFORE, MONTH]) {
    await requestMonthEnd(world.client, { month, requestId: 'close', actor: 'test' });
    await closed(world, month);
  }
});
afterAll(async () => {
  await apiDb.end();
  await world[Symbol.asyncDispose]();
});

const monthPath = `/operator/months/${MONTH}`;
const positions = (text: string, words: readonly string[]) =>
  words.map((word) => text.indexOf(word));

describe('the pages of a closed month', () => {
  test('show the state, the parked tenants, the reasons and what to do', async () => {
    const { text, status } = await operator.get(monthPath);
    expect(status).toBe(200);
    expect(text).toContain('<p class="lead">3 of 4 invoiced, 1 needs you</p>');
    expect(text).toContain('<a href="#parked">1 tenant is parked</a>');
    expect(text).toContain('<dt>Invoiced</dt><dd>3</dd>');
    expect(text).toContain('<dt>Parked</dt><dd>1</dd>');
    expect(text).toContain('<code>missing_plan_version</code>');
    expect(text).toContain('Give the subscription a plan version');
    expect(text).toContain(
      'href="http://localhost:8233/namespaces/here/workflows/month-end-2026-05"',
    );
    // Three invoices of 50.00 and 100.00 of LLM usage, plus GST.
    expect(text).toContain('AUD 275.00');
    expect(text).toMatch(/LLM usage<\/th>.*?100\.00.*?1\.00.*?\+99\.00/s);
    expect(text).toContain('Books <span class="badge good">');
    expect(text).not.toContain('Usage reconciliation');
    expect(text).not.toContain('data-live');
  });

  test('compare the kinds of lines with the month before, and chart the months', async () => {
    const { text } = await operator.get(monthPath);
    expect(text).toContain('Comparison with April 2026');
    expect(text).toMatch(/<title>May 2026: AUD 275\.00, 3 invoices<\/title>/);
    expect(text).toMatch(/<title>March 2026: no invoices<\/title>/);
    expect(text).toMatch(
      /Total<\/th>.*275\.00.*166\.10.*\+108\.90<span class="sub">\+65 %<\/span>/,
    );
  });

  test('keep the totals by kind of the lines', async () => {
    const kept = await readMonthTotals(world.db, { from: BEFORE, to: MONTH });
    const ofLines = await world.db.any(sql.type(
      z.object({ month: z.string(), currency: z.string(), kind: z.string(), cents: z.string() }),
    )`
      SELECT to_char(i.period_start, 'YYYY-MM') AS month, i.currency, l.kind, sum(l.amount_cents)::text AS cents
      FROM invoices i JOIN invoice_lines l USING (invoice_id) WHERE i.kind = 'invoice' GROUP BY 1, 2, 3`);
    expect(
      kept.flatMap(({ month, currency, kinds }) =>
        Object.entries(kinds)
          .filter(([, cents]) => cents !== '0')
          .map(([kind, cents]) => ({ month, currency, kind, cents })),
      ),
    ).toEqual(expect.arrayContaining([...ofLines]));
    expect(kept.map(({ month, invoices }) => [month, invoices])).toEqual([
      [BEFORE, 3],
      [MONTH, 3],
    ]);
  });

  test('show the books as they are now', async () => {
    const { text, status } = await operator.get(`${monthPath}/books`);
    expect(status).toBe(200);
    expect(text).toContain('<p class="lead"><span class="badge good">');
    expect(text).toContain('Usage reconciliation');
    expect((await operator.get(monthPath)).text).toContain(`href="${monthPath}/books"`);
  });

  test('lead to the months before and after', async () => {
    const { text } = await operator.get(monthPath);
    expect(text).toContain('<a rel="prev" href="/operator/months/2026-04">← April 2026</a>');
    expect(text).toContain('<a rel="next" href="/operator/months/2026-06">June 2026 →</a>');
    // Its subscriptions began in January 2025.
    expect((await operator.get('/operator/months/2025-01')).text).not.toContain('rel="prev"');
  });

  test.each([
    ['2024-12', 'There is nothing to bill in December 2024. The first month with a'],
    ['2199-12', 'December 2199 has not begun. The running month is'],
  ])('of %s do not exist, in plain words', async (month, words) => {
    const { text, status } = await operator.get(`/operator/months/${month}`);
    expect(status).toBe(404);
    expect(text).toContain(words);
  });

  test('say that a restore has lost requests, and how to serve them', async () => {
    expect((await operator.get(monthPath)).text).not.toContain('--after-restore');
    await seedRequest(world.db, '2026-02', { requestId: 'waits' });
    const { text } = await operator.get('/operator/months/2026-02');
    expect(text).toMatch(/role="alert".*no run is serving them \(waits\)/);
    expect(text).toContain('<code>month-end start 2026-02 --after-restore</code>');
  });

  test('list the months, newest first', async () => {
    const { text } = await operator.get('/operator/months');
    const [may = -1, april = -1] = positions(text, ['May 2026', 'April 2026']);
    expect(may).toBeGreaterThan(-1);
    expect(april).toBeGreaterThan(may);
    expect(read(text)).toMatch(
      /Month State Invoices Total Nothing to bill Parked May 2026 ✓ closed 3 AUD [\d.]+ 0 ! 1 parked/,
    );
  });

  test('list the outlier first', async () => {
    const { text } = await operator.get(`${monthPath}/invoices`);
    expect(text).toContain('<option value="rolled">invoiced</option>');
    const [globex = -1, acme = -1] = positions(text, ['>globex</a>', '>acme</a>']);
    expect(globex).toBeGreaterThan(-1);
    expect(acme).toBeGreaterThan(globex);
    expect(text).toMatch(
      /\/compare">\+108\.90<span[^>]*>[^<]*<\/span><\/a><span class="sub">\+194 %/,
    );
  });

  test('find an invoice by tenant, status and outcome', async () => {
    const found = async (query: string) => {
      const { text } = await operator.get(`${monthPath}/invoices?${query}`);
      return ['acme', 'globex', 'initech'].filter((name) => text.includes(`>${name}</a>`));
    };
    expect(await found('search=GLOB')).toEqual(['globex']);
    expect(await found('search=%25')).toEqual([]);
    expect(await found('outcome=rolled&order=tenant')).toEqual(['acme', 'globex', 'initech']);
    expect(await found('outcome=parked')).toEqual([]);
    expect(await found('status=superseded')).toEqual([]);
  });

  test('lead from an invoice to the usage of a line and its file', async () => {
    const invoices = await invoicesOf(world.db, 'globex');
    const invoice = invoices.find(({ month }) => month === MONTH);
    const path = `/operator/invoices/${invoice!.invoiceId}`;
    const { text } = await operator.get(path);
    expect(text).toContain('<td class="figure" data-label="Amount">100.00</td>');
    const [, line = ''] = /href="([^"]+\/lines\/\d+)"/.exec(text) ?? [];
    const usage = await operator.get(line);
    expect(usage.text).toContain('<dt>Sum before rounding</dt><dd>AUD 100.00</dd>');
    expect(usage.text).toMatch(/<span class="id">seed-\d+<\/span>/);
    const csv = await operator.get(`${line}/usage.csv`);
    expect(csv.status).toBe(200);
    expect(csv.headers['content-type']).toContain('text/csv');
    expect(csv.text.trimEnd().split('\r\n')).toHaveLength(2);
    expect((await operator.get(`${path}/lines/1`)).status).toBe(404);
  });

  test("lead to the tenant's own documents", async () => {
    const [invoice] = await invoicesOf(world.db, 'globex');
    const { text } = await operator.get(`/operator/invoices/${invoice!.invoiceId}`);
    const links = [...text.matchAll(/href="([^"]+\.(?:html|pdf|csv))"/g)].map(([, link]) => link!);
    expect(links).toHaveLength(3);
    for (const link of links) {
      const { status, headers } = await operator.get(link);
      expect({ link, status }).toEqual({ link, status: 200 });
      expect(headers['content-disposition']).toContain(`.${link.split('.').at(-1)}"`);
    }
  });
});

const RE_RUN = `${monthPath}/re-run`;
const requestIdOf = ({ headers }: { headers: Record<string, string> }) =>
  headers.location?.split('/').at(-1) ?? '';

const served = (requestId: string) =>
  until(
    () => showRequest(world.db, MONTH, requestId),
    (found) => found?.state === 'finished',
  );

describe('forcing a rerun by the page', () => {
  test('says what will happen, asks for a reason and leads to the result', async () => {
    const path = `${RE_RUN}?tenant_id=acme`;
    const { text } = await operator.get(path);
    expect(text).toContain(
      'acme-000002 of acme is replaced by a revision: the same lines and total, AUD 55.00.',
    );
    const answer = await operator.act(path, { reason: 'usage <came> late' });
    expect(answer.status).toBe(303);
    const requestId = requestIdOf(answer);
    expect(answer.headers.location).toBe(`${monthPath}/requests/${requestId}`);
    await served(requestId);
    const result = await operator.get(answer.headers.location!);
    expect(result.text).toContain('The request is done');
    expect(result.text).toContain('acme-000003');
    expect(result.text).toContain('usage &lt;came&gt; late');
    const [, successor = ''] = /href="(\/operator\/invoices\/[^"]+)"/.exec(result.text) ?? [];
    const page = await operator.get(successor);
    expect(page.text).toContain('Rerun requested by key:ops: “usage &lt;came&gt; late”');
    expect(page.text).toContain('No lines differ.');
    const [, replaced = ''] = /href="([^"]+)">Replaced invoice/.exec(page.text) ?? [];
    expect((await operator.get(replaced)).text).toContain(
      `href="${successor}">Go to the revision that replaced it`,
    );
  });

  test('is recorded like an API call', async () => {
    const rows = await world.db.any(sql.typeAlias('nothing')`
      SELECT FROM operator_actions
      WHERE actor = 'key:ops' AND channel = 'api' AND action = 'postRollUp' AND outcome = 'done'
        AND input ->> 'reason' = 'usage <came> late' AND status = 202`);
    expect(rows).toHaveLength(1);
  });

  test('twice makes one request and one revision', async () => {
    const path = `${RE_RUN}?tenant_id=initech`;
    const opened = await operator.get(path);
    const fields = { reason: 'twice' };
    const answers = [
      await operator.confirm(path, opened, fields),
      await operator.confirm(path, opened, fields),
    ];
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    await served(requestIdOf(answers[0]!));
    // Also once the rerun has changed what the form showed.
    expect((await operator.confirm(path, opened, fields)).status).toBe(303);
    const other = await operator.confirm(path, opened, { reason: 'thrice' });
    expect([other.status, other.text]).toEqual([
      422,
      expect.stringContaining('This form was sent before, with another reason or other options'),
    ]);
    const ofMonth = (await invoicesOf(world.db, 'initech')).filter(({ revision }) => revision > 1);
    expect(ofMonth).toHaveLength(1);
  });

  test('asks again if another operator has rerun the tenant since', async () => {
    const path = `${RE_RUN}?tenant_id=initech`;
    const opened = await operator.get(path);
    await served(requestIdOf(await operator.act(path, { reason: 'first' })));
    const again = await operator.confirm(path, opened, { reason: 'second' });
    expect([again.status, again.text]).toEqual([
      200,
      expect.stringContaining('Nothing has been done yet'),
    ]);
    expect(again.text).toContain('initech-000004 of initech is replaced');
    expect(again.text).toContain('>second</textarea>');
  });

  test('says that a settled invoice gets an adjustment note, and who will be refused', async () => {
    const [invoice] = await invoicesOf(world.db, 'globex');
    await settleInvoice(world, invoice!);
    await seedTenant(world.db, 'idle', []);
    const { text } = await operator.get(
      `/operator/months/${BEFORE}/re-run?tenant_id=globex&tenant_id=idle`,
    );
    expect(text).toContain('1 of 2 will be refused, because nothing is due for April 2026: idle.');
    expect(text).toContain('globex-000001 of globex is settled and nothing differs, so it stays.');
  });

  test('without a reason shows the message next to the field', async () => {
    const answer = await operator.act(`${RE_RUN}?tenant_id=acme`, { reason: ' ' });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('id="reason-mistake"');
    const [requestId = ''] = formOf(answer).request_id ?? [];
    expect(requestId).not.toBe('');
    expect(await showRequest(world.db, MONTH, requestId)).toBeNull();
  });

  test('without tenants or for an unknown tenant is rejected', async () => {
    expect((await operator.get(RE_RUN)).text).toContain('Tenant ids, one per line');
    const path = `${RE_RUN}?tenant_ids=${encodeURIComponent('acme\nnobody, acme')}`;
    const typed = await operator.get(path);
    expect(typed.text).toContain('<h1>Rerun 2 tenants</h1>');
    expect(typed.text).toContain('unknown tenant');
    expect(typed.text).toMatch(/role="alert".*<li>there is no tenant nobody/s);
    const answer = await operator.act(path, { reason: 'a slip' });
    expect(answer.status).toBe(422);
    expect(answer.text).toMatch(/role="alert".*<li>there is no tenant nobody/s);
  });

  test('of a month that isn’t over is rejected when the form is opened', async () => {
    const { text } = await operator.get('/operator/months/2199-01/re-run?tenant_id=acme');
    expect(text).toMatch(/role="alert".*<li>2199-01 is not over yet/s);
  });

  test('releases a parked tenant once its data is fixed', async () => {
    const path = `${RE_RUN}?tenant_id=broken`;
    const parked = await operator.get(path);
    expect(parked.text).toContain('Give the subscription a plan version');
    expect(parked.text).toContain('parked as missing_plan_version');
    await world.db.query(sql.typeAlias('nothing')`
      UPDATE subscriptions SET plan_version_id = 'studio-v1' WHERE tenant_id = 'broken'`);
    expect((await operator.get(path)).text).toContain('broken gets an invoice of AUD 55.00.');
    await served(requestIdOf(await operator.act(path, { reason: 'has a plan now' })));
    const { text: after } = await operator.get(monthPath);
    expect(after).toContain('<p class="lead">All 4 invoiced</p>');
    expect(after).not.toContain('id="needs"');
  });
});

test('while a month is being closed, its page updates and its books wait', async () => {
  await world.db.transaction(async (tx) => {
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO month_end_requests (period_start, request_id, actor, kind, content_hash, state, started_at)
      VALUES ('2026-05-01', 'slow', 'test', 'run', '\\x00', 'running', now() - interval '10 seconds')`);
  });
  const { text } = await operator.get(monthPath);
  expect(text).toContain(`data-live="${monthPath}/live"`);
  expect(text).toContain('http-equiv="refresh"');
  expect(text).toMatch(/of 4 tenants · \d+ %/);
  expect(text).toContain('Closing: 4 of 4 invoiced');
  const books = await operator.get(`${monthPath}/books`);
  expect(books.text).toContain('The books are checked once no request is waiting or running.');
  const live = await operator.get(`${monthPath}/live`);
  expect(live.text).toMatch(
    /^<p class="lead">Closing: 4 of 4 invoiced<\/p>\n<label for="progress"/,
  );
  await request(app).get(`${monthPath}/live`).expect(401);
});
