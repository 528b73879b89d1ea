import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import request from 'supertest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createApp } from '../../src/api/app.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { interceptQueries } from '../_util/intercept-queries.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { createTestApi, llmEvent, meteredRecord, type TestApi } from './_harness.ts';
import { signIn, type TestBrowser } from './_pages.ts';

/**
 * The tenant acme has 130 requests in May: 100 of small-1 with growing charges on 10 May, 29 of large-2 on 20 May that
 * are dearer, and one that is excluded. A note adds a request, and excludes another one.
 */

const EVENTS = [
  ...Array.from({ length: 100 }, (_, n) => ({
    gateway_request_id: `small-${String(n).padStart(3, '0')}`,
    ...{ model: 'small-1', charge_cents: String(n + 1), occurred_at: '2026-05-10T12:00:00Z' },
  })),
  ...Array.from({ length: 29 }, (_, n) => ({
    gateway_request_id: `large-${String(n).padStart(3, '0')}`,
    ...{ model: 'large-2', charge_cents: `${1000 + n}.5`, occurred_at: '2026-05-20T12:00:00Z' },
  })),
  {
    ...{ gateway_request_id: 'wrong', model: 'large-2', charge_cents: '100000' },
    occurred_at: '2026-05-25T12:00:00Z',
  },
].map((fields) => llmEvent(fields));

let api: TestApi;
let operator: TestBrowser;
let path: string;
let notePath: string;
beforeAll(async () => {
  api = await createTestApi();
  const { db } = api;
  const world = { activities: createActivities({ ...ACTIVITY_DEPS, db }) };
  const actor = 'olga';
  await send('llm-usage', api.keys.gateway, { events: EVENTS });
  await send('metered-usage', api.keys.metering, {
    records: [
      meteredRecord({ qty: '700', occurred_at: '2026-05-03T00:00:00Z' }),
      meteredRecord({ qty: '100.5', occurred_at: '2026-05-04T00:00:00Z' }),
    ],
  });
  await excludeEvent(db, { source: 'llm', eventId: 'wrong', actor, reason: 'x' });
  await buildInvoices(world, ['acme']);
  const [invoice] = await invoicesOf(db, 'acme');
  await settleInvoice(api, invoice!);
  await send('llm-usage', api.keys.gateway, {
    events: [llmEvent({ ...EVENTS[0]!, gateway_request_id: 'late', charge_cents: '5' })],
  });
  await excludeEvent(db, { source: 'llm', eventId: 'small-099', actor, reason: 'x' });
  await forceInvoices(world, ['acme']);
  const [note] = await notesOf(db, 'acme');
  operator = await signIn(api.app, api.keys.operator);
  path = `/operator/invoices/${invoice!.invoiceId}`;
  notePath = `/operator/adjustment-notes/${note!.invoiceId}`;
});
afterAll(() => api[Symbol.asyncDispose]());

async function send(kind: string, key: string, body: object): Promise<void> {
  const answer = await api.call('post', `/api/v1/integrations/${kind}`, { key, body });
  expect(answer.status).toBe(200);
}

/** The path of the line of a kind. */
const lineOf = (kind: 'llm_usage' | 'overage') => `${path}/lines/${kind === 'overage' ? 2 : 3}`;
const read = (html: string) =>
  html
    .replaceAll(/<(?:style|title|svg|select)[\s\S]*?<\/(?:style|title|svg|select)>/g, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('\u00a0', ' ')
    .replaceAll(/\s+/g, ' ');
const idsOf = (html: string) =>
  [...html.matchAll(/<span class="id">([^<]+)<\/span>/g)].map(([, id]) => id!);
const nextOf = (html: string) =>
  /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? null;

describe('the events of a line', () => {
  test('are listed with the largest first, in pages that have each once', async () => {
    const first = await operator.get(lineOf('llm_usage'));
    expect(read(first.text)).toContain('Events, largest first');
    expect(idsOf(first.text).slice(0, 2)).toEqual(['large-028', 'large-027']);
    const second = await operator.get(nextOf(first.text)!);
    expect(nextOf(second.text)).toBeNull();
    const listed = [first, second].flatMap(({ text }) => idsOf(text));
    expect(listed).toHaveLength(130);
    expect(new Set(listed).size).toBe(130);
    // What doesn't count is last.
    expect(listed.slice(-2)).toEqual(['small-000', 'wrong']);
  });

  test('are listed with the latest first on request', async () => {
    const { text } = await operator.get(`${lineOf('llm_usage')}?order=latest`);
    expect(read(text)).toContain('Events, latest first');
    expect(idsOf(text).slice(0, 2)).toEqual(['wrong', 'large-000']);
  });

  test('are those of a day and a model', async () => {
    const line = lineOf('llm_usage');
    const ofDay = await operator.get(`${line}?day=2026-05-10`);
    expect(read(ofDay.text)).toContain('Events of 10 May 2026, largest first');
    expect(idsOf(ofDay.text)).toHaveLength(100);
    const ofModel = await operator.get(`${line}?model=large-2&order=latest`);
    expect(read(ofModel.text)).toContain('Events by large-2, latest first');
    expect(idsOf(ofModel.text)).toHaveLength(30);
    const both = await operator.get(`${line}?model=large-2&day=2026-05-10`);
    expect(read(both.text)).toContain('No events to show.');
    expect(read((await operator.get(`${line}?day=2031-01-01`)).text)).toContain(
      'No events to show.',
    );
  });

  test.each(['order=smallest', 'day=2026-05-32', 'day=yesterday', 'cursor=LTE', 'model=%01'])(
    'are refused with ?%s',
    async (query) => {
      expect((await operator.get(`${lineOf('llm_usage')}?${query}`)).status).toBe(422);
    },
  );

  test('of a note include those that it takes back', async () => {
    const { text } = await operator.get(`${notePath}/lines/1`);
    expect(idsOf(text)).toEqual(['small-099', 'late']);
    expect(read(text)).toMatch(/10 May 2026 1 AUD −0\.95/);
  });

  test('of metered usage are by quantity, and by day', async () => {
    const text = read((await operator.get(lineOf('overage'))).text);
    expect(text).toContain('Droplet hours overage Billed events 2 Excluded 0 Total quantity 800.5');
    expect(text).toMatch(/3 May 2026 700 4 May 2026 100\.5/);
    expect(text).not.toContain('By model');
  });
});

describe('the sums of a line', () => {
  test('are by model and by day, and lead to the events behind them', async () => {
    const { text } = await operator.get(lineOf('llm_usage'));
    const said = read(text);
    expect(said).toMatch(/Billed events 129 Excluded 1 Sum before rounding AUD 344\.705/);
    expect(said).toMatch(/large-2 29 85\.3% 294\.205 small-1 100 14\.7% 50\.50/);
    expect(said).toMatch(/10 May 2026 100 AUD 50\.50 AUD 0\.00 AUD 50\.50/);
    expect(said).toMatch(/20 May 2026 29 AUD 294\.21 AUD 294\.21 AUD 0\.00/);
    // Its only event is excluded.
    expect(said).not.toContain('25 May 2026 1');
    for (const query of ['model=small-1', 'day=2026-05-10']) {
      expect(text).toContain(`href="${lineOf('llm_usage')}?${query}#events"`);
      expect(idsOf((await operator.get(`${lineOf('llm_usage')}?${query}`)).text)).toHaveLength(100);
    }
  });

  test('are only on the first page', async () => {
    const first = await operator.get(lineOf('llm_usage'));
    const second = await operator.get(nextOf(first.text)!);
    expect(read(second.text)).not.toMatch(/Billed events|By model|By day/);
    expect(second.text).toContain(`href="${lineOf('llm_usage')}">Sums, and the first events`);
  });

  test('are computed once, and so is the order of the events', async () => {
    const scans: string[] = [];
    const db = interceptQueries(api.deps.db, (query) => {
      const scan = /width_bucket|abs\(amount|sha256/.exec(query.sql)?.[0];
      if (scan !== undefined) scans.push(scan);
      return query;
    });
    const other = await signIn(createApp({ ...api.deps, db }), api.keys.acme);
    // Of a note, which no other test has asked for like this.
    const page = notePath.replace('operator', 'tenant');
    const day = `${page}/lines/1?day=2026-05-10&order=largest`;
    for (let visit = 0; visit < 3; visit += 1) expect((await other.get(day)).status).toBe(200);
    expect(scans.filter((scan) => scan === 'abs(amount')).toHaveLength(1);
    expect(scans.length).toBeLessThanOrEqual(3);
  });
});

describe('the documents', () => {
  const get = (of: string, query: string, key = api.keys.acme) =>
    request(api.app)
      .get(of.replace('/operator', '/api/v1') + query)
      .set('Authorization', `Bearer ${key}`);

  test('have an appendix of the usage by day on request', async () => {
    const { text } = await get(path, '.html?appendix=1');
    const said = read(text);
    expect(said).toContain('Usage of acme-000001 by day, exact charges in AUD');
    expect(said).toMatch(
      /acme-a, Droplet hours overage 3 May 2026 700 87\.4% 4 May 2026 100\.5 12\.6%/,
    );
    expect(said).toMatch(
      /acme-a, LLM usage 10 May 2026 small-1: 50\.50 100 14\.7% 50\.50 20 May 2026 large-2: 294\.205 29 85\.3% 294\.205/,
    );
    expect(read((await get(path, '.html')).text)).not.toContain('by day');
    const note = read((await get(notePath, '.html?appendix=1')).text);
    expect(note).toMatch(/acme-a, LLM usage 10 May 2026 1 100\.0% −0\.95/);
  });

  test('keep both versions apart, and refuse what is neither', async () => {
    const [short, long] = [await get(path, '.pdf'), await get(path, '.pdf?appendix=1')];
    expect(short.headers.etag).not.toBe(long.headers.etag);
    const again = await get(path, '.pdf').set('If-None-Match', String(short.headers.etag));
    expect(again.status).toBe(304);
    expect((await get(path, '.pdf?appendix=yes')).status).toBe(422);
    expect((await get(path, '.pdf?appendix=1', api.keys.zeta)).status).toBe(404);
  });

  test('are linked from the page of the invoice', async () => {
    const { text } = await operator.get(path);
    expect(text).toContain(`href="${path}.pdf?appendix=1"`);
    expect((await operator.get(`${path}.pdf?appendix=1`)).status).toBe(200);
  });
});
