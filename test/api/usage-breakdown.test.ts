import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { ACTIVITY_DEPS } from '../_util/ledger-world.ts';
import { signIn } from './_pages.ts';
import { createTestApi, llmEvent, sendUsage, type TestApi } from './_harness.ts';

let api: TestApi;
let invoiceId: string;
let noteId: string;
beforeAll(async () => {
  api = await createTestApi();
  await send(
    ['large-2', '10.5', { team: 'search' }],
    ['large-2', '0.25', { team: '=ads', project: 'x' }],
    ['small-1', '1', { team: 'search' }],
    ['small-1', '0.000000000001'],
    ['gone', '100', { team: 'search' }],
  );
  await exclude('usage-5');
  const deps = { ...ACTIVITY_DEPS, db: api.db, bounds: NO_BOUNDS };
  const world = { activities: createActivities(deps) };
  await buildInvoices(world, ['acme']);
  const [invoice] = await invoicesOf(api.db, 'acme');
  invoiceId = invoice!.invoiceId;
  await settleInvoice({ db: api.db }, invoice!);
  await send(['small-1', '5', { team: 'ads' }], ['new', '2']);
  await exclude('usage-1');
  await forceInvoices(world, ['acme']);
  const [note] = await notesOf(api.db, 'acme');
  noteId = note!.invoiceId;
});
afterAll(() => api[Symbol.asyncDispose]());

let lastId = 0;
type Sent = readonly [model: string, charge: string, attributes?: Record<string, string>];

async function send(...sent: readonly Sent[]): Promise<void> {
  const events = sent.map(([model, charge_cents, attributes]) =>
    llmEvent({
      gateway_request_id: `usage-${(lastId += 1)}`,
      ...{ model, charge_cents },
      ...(attributes && { attributes }),
    }),
  );
  await sendUsage(api, 'llm-usage', events);
}

const exclude = (eventId: string) =>
  excludeEvent(api.db, { source: 'llm', eventId, actor: 'olga', reason: 'poison' });
const get = (path: string, key = api.keys.acme) => api.call('get', `/api/v1/${path}`, { key });
const usageOf = (what = '') => get(`invoices/${invoiceId}/lines/2/usage${what}`);

describe('an LLM line', () => {
  test('has its models in meta, which add up to it', async () => {
    const { body } = await get(`invoices/${invoiceId}`);
    const { lines } = body as { lines: { kind: string }[] };
    expect(lines.find(({ kind }) => kind === 'llm_usage')).toMatchObject({
      qty: '4',
      meta: {
        exact_cents: '11.750000000001',
        by_model: [
          { model: 'large-2', requests: '2', exact_cents: '10.75' },
          { model: 'small-1', requests: '2', exact_cents: '1.000000000001' },
        ],
      },
    });
  });

  test('lists its events by model, without the excluded ones', async () => {
    const { status, body } = await usageOf();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      line: {
        events: 4,
        exact_sum: '11.750000000001',
        by_model: [
          { model: 'large-2', requests: 2, exact_cents: '10.75' },
          { model: 'small-1', requests: 2, exact_cents: '1.000000000001' },
        ],
      },
      by_attribute: null,
      events: [{ attributes: { team: 'search' } }, {}, {}, { attributes: null }, {}],
    });
  });

  test('is summed by an attribute on request', async () => {
    const { body } = await usageOf('?by=attribute:team');
    expect((body as { by_attribute: object }).by_attribute).toEqual([
      { value: 'search', is_rest: false, requests: 2, exact_cents: '11.5' },
      { value: '=ads', is_rest: false, requests: 1, exact_cents: '0.25' },
      { value: null, is_rest: false, requests: 1, exact_cents: '0.000000000001' },
    ]);
    const unknown = await usageOf('?by=attribute:nothing');
    expect(unknown.body).toMatchObject({
      by_attribute: [{ value: null, is_rest: false, requests: 4 }],
    });
  });

  test.each(['team', 'attribute:', 'attribute:Team', 'attribute:a b', 'model'])(
    'rejects by=%s',
    async (by) => {
      expect((await usageOf(`?by=${encodeURIComponent(by)}`)).status).toBe(422);
    },
  );

  test('of metered usage has neither', async () => {
    const path = `invoices/${invoiceId}/lines/1/usage`;
    expect((await get(path)).status).toBe(404);
  });
});

describe('CSV', () => {
  const rowsOf = async (by: string) => {
    const { status, text } = await get(`invoices/${invoiceId}/lines/2/usage.csv?by=${by}`);
    expect(status).toBe(200);
    return parse<Record<string, string>>(text, { columns: true, record_delimiter: '\r\n' });
  };

  test('has the sums by model', async () => {
    expect(await rowsOf('model')).toEqual([
      {
        by: 'model',
        value: 'large-2',
        is_rest: 'false',
        requests: '2',
        exact_cents: '10.75',
        currency: 'AUD',
      },
      expect.objectContaining({ value: 'small-1', requests: '2', exact_cents: '1.000000000001' }),
    ]);
  });

  test('has the sums by an attribute, without spreadsheet formulas', async () => {
    expect(await rowsOf('attribute:team')).toMatchObject([
      { by: 'attribute:team', value: 'search', requests: '2' },
      { value: "'=ads" },
      { value: '', requests: '1' },
    ]);
  });

  test('of a document has the models of each line', async () => {
    const { text } = await get(`invoices/${invoiceId}.csv`);
    const rows = parse<Record<string, string>>(text, { columns: true, record_delimiter: '\r\n' });
    const { by_model } = rows.find(({ kind }) => kind === 'llm_usage')!;
    expect(JSON.parse(by_model!)).toMatchObject([{ model: 'large-2' }, { model: 'small-1' }]);
  });
});

test('an adjustment note lists the difference by model, and what is charged by now in meta', async () => {
  const { body } = await get(`adjustment-notes/${noteId}/lines/1/usage?by=attribute:team`);
  expect(body).toMatchObject({
    line: {
      events: 2,
      excluded_events: 1,
      exact_sum: '-3.5',
      by_model: [
        { model: 'small-1', requests: 1, exact_cents: '5' },
        { model: 'new', requests: 1, exact_cents: '2' },
        { model: 'large-2', requests: 0, exact_cents: '-10.5' },
      ],
    },
    by_attribute: [
      { value: 'ads', requests: 1, exact_cents: '5' },
      { value: null, requests: 1, exact_cents: '2' },
      { value: 'search', requests: 0, exact_cents: '-10.5' },
    ],
  });
  const note = await get(`adjustment-notes/${noteId}`);
  expect(note.body).toMatchObject({
    lines: [
      {
        qty: '1',
        meta: {
          exact_cents: '8.250000000001',
          by_model: [
            { model: 'large-2', requests: '1', exact_cents: '0.25' },
            { model: 'new', requests: '1', exact_cents: '2' },
            { model: 'small-1', requests: '3', exact_cents: '6.000000000001' },
          ],
        },
      },
    ],
  });
});

describe('the page of a line', () => {
  const path = () => `/operator/invoices/${invoiceId}/lines/2`;

  test('shows the models, and an attribute on request', async () => {
    const operator = await signIn(api.app, api.keys.operator);
    const { text } = await operator.get(path());
    expect(text).toMatch(/<th scope="row" class=""><a [^>]*>large-2<\/a><\/th>.*0\.1075/s);
    expect(text).not.toContain('Usage by team');
    const byTeam = await operator.get(`${path()}?by=team`);
    expect(byTeam.text).toMatch(/Usage by team.*<th scope="row" class="">search<\/th>.*0\.115/s);
    expect((await operator.get(`${path()}?by=No%20name`)).status).toBe(422);
    const csv = await operator.get(`${path()}/usage.csv?by=model`);
    expect(csv.text).toContain('model,large-2,false,2,10.75,AUD');
  });
});
