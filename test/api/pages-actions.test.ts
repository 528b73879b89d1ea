import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { listPayments } from '../../src/db/invoices/payment-views.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { invoicesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { pay } from '../_util/payments.ts';
import { MONTH, seedTenant, seedUsage } from '../_util/seed.ts';
import { createTestApi, type TestApi } from './_harness.ts';
import { formOf, signIn, type TestBrowser } from './_pages.ts';

let api: TestApi;
let world: Parameters<typeof buildInvoices>[0];
let operator: TestBrowser;
/** Another operator. */
let other: TestBrowser;
beforeAll(async () => {
  api = await createTestApi();
  const client = new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) });
  const logger = pino({ level: 'silent' });
  world = {
    activities: createActivities({
      ...{ db: api.db, client, logger, now: () => new Date(), bounds: NO_BOUNDS },
    }),
  };
  operator = await signIn(api.app, api.keys.operator);
  const { plainKey } = await createKey(api.db, { label: 'olga', scope: 'operator' });
  other = await signIn(api.app, plainKey);
});
afterAll(() => api[Symbol.asyncDispose]());

let last = 0;
/** A tenant whose invoice of 68.59 has a base of 50.00 (line 1), LLM usage of 12.35 (line 2) and tax. */
async function invoiced() {
  const tenantId = `tenant-${(last += 1)}`;
  await seedTenant(api.db, tenantId);
  const usage = { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '1234.567' };
  const eventId = await seedUsage(api.db, usage);
  await buildInvoices(world, [tenantId]);
  const [invoice] = await invoicesOf(api.db, tenantId);
  const { invoiceId: id, number } = invoice!;
  const href = `/operator/invoices/${id}`;
  const payments = () => listPayments(api.db, { tenantId }, { after: null, limit: 10 });
  const status = async () => (await invoicesOf(api.db, tenantId)).map((one) => one.status);
  return { tenantId, id, number, href, eventId, payments, status };
}
const lastAction = async () =>
  (await listOperatorActions(api.db, {}, { after: null, limit: 1 }))[0];
/** Where a form leads, or what it says instead. */
const outcome = ({ status, headers, text }: Awaited<ReturnType<TestBrowser['get']>>) =>
  status === 303 ? String(headers.location) : { status, text };
const says = (status: number, text: string) => ({ status, text: expect.stringContaining(text) });

describe('an invoice’s page', () => {
  test('leads operators to what can be done about it, and tenants nowhere', async () => {
    const { href, tenantId, id, number } = await invoiced();
    const { text } = await operator.get(href);
    for (const action of ['pay', 'void', 'credit']) {
      expect(text).toContain(`href="${href}/${action}"`);
    }
    expect(text).toContain(`href="${href}/credit?line_no=2"`);
    expect(text).not.toContain(`href="${href}/credit?line_no=3"`);
    expect(text).not.toContain(`href="${href}/release"`);
    expect(text).toContain(`href="/operator/items/new?tenant_id=${tenantId}"`);
    await pay(api.db, number, 1);
    expect((await operator.get(href)).text).not.toContain(`href="${href}/void"`);

    const { plainKey } = await createKey(api.db, {
      ...{ label: tenantId, scope: 'tenant' as const, tenantId },
    });
    const tenant = await signIn(api.app, plainKey);
    const own = await tenant.get(`/tenant/invoices/${id}`);
    expect(own.status).toBe(200);
    expect(own.text).not.toMatch(/\/(?:pay|credit|void)["?]/);
    expect((await tenant.get(`${href}/pay`)).status).toBe(403);
  });

  test('says nothing for a code that it doesn’t know', async () => {
    const { href } = await invoiced();
    const { status, text } = await operator.get(`${href}?done=all-your-money`);
    expect(status).toBe(200);
    expect(text).not.toContain('note good');
  });
});

describe('recording a payment', () => {
  test('proposes the balance, says what follows, and is on record', async () => {
    const { href, number, payments } = await invoiced();
    const path = `${href}/pay`;
    const opened = await operator.get(path);
    expect(formOf(opened)).toMatchObject({ amount: ['68.59'], payment_id: [`${number}-p1`] });
    expect(opened.text).toContain('The balance changes from AUD 68.59 to AUD 0.00: it is paid.');
    expect(opened.text).toContain(`${number} is settled: it can’t be voided`);
    const answer = await operator.act(path, { method: 'bank transfer' });
    expect(outcome(answer)).toBe(`${href}?done=paid`);
    expect((await operator.get(`${href}?done=paid`)).text).toContain('The payment is recorded.');
    expect(await payments()).toMatchObject([
      { amount_cents: 6859, method: 'bank transfer', actor: 'key:ops' },
    ]);
    expect(await lastAction()).toMatchObject({ action: 'postPayments', outcome: 'done' });
    // The next one has an id of its own.
    expect(formOf(await operator.get(path))).toMatchObject({ payment_id: [`${number}-p2`] });
  });

  test('asks again for an amount that was changed, and records nothing before that', async () => {
    const { href, payments } = await invoiced();
    const path = `${href}/pay`;
    const shown = await operator.fill(path, { amount: '-5', confirmed: 'true' });
    expect(outcome(shown)).toEqual(says(200, 'Nothing has been done yet'));
    expect(shown.text).toContain('A refund or reversal of AUD 5.00 is recorded');
    expect(shown.text).toContain('from AUD 68.59 to AUD 73.59: AUD 73.59 stays open');
    expect(await payments()).toEqual([]);
    const changed = await operator.confirm(path, shown, { amount: '1,000' });
    expect(outcome(changed)).toEqual(says(200, 'it is overpaid by AUD 931.41'));
    expect(await payments()).toEqual([]);
    expect((await operator.confirm(path, changed)).status).toBe(303);
    expect(await payments()).toMatchObject([{ amount_cents: 100_000 }]);
  });

  test.each([
    [{ amount: '68,59' }, 'Amount: write 68.59, not 68,59'],
    [{ amount: '' }, 'Amount: expected an amount other than 0 in AUD'],
    [{ amount: '0' }, 'Amount: expected an amount other than 0 in AUD'],
    [{ amount: '68.590' }, 'Amount: expected an amount other than 0 in AUD'],
    [{ amount: '9'.repeat(17) }, 'Amount: expected an amount other than 0 in AUD'],
    [{ amount: '9007199254740.00 AUD' }, 'Amount: expected an amount other than 0 in AUD'],
    [{ received_on: '12.06.2026' }, 'Received on: '],
    [{ received_on: '2199-01-01' }, 'Received on: 2199-01-01 is in the future'],
    [{ payment_id: ' ' }, 'Id: '],
    [{ method: 'x'.repeat(101) }, 'Method: '],
  ])('refuses %j next to the field, and keeps what was typed', async (fields, message) => {
    const { href, payments } = await invoiced();
    const answer = await operator.act(`${href}/pay`, { reference: 'typed <this>', ...fields });
    expect(outcome(answer)).toEqual(says(422, message));
    expect(answer.text).toContain('value="typed &lt;this&gt;"');
    expect(answer.text).toContain('<title>Error: ');
    expect(await payments()).toEqual([]);
  });

  test('has to be confirmed', async () => {
    const { href, payments } = await invoiced();
    const answer = await operator.fill(`${href}/pay`);
    expect(outcome(answer)).toEqual(says(422, 'Tick the box'));
    expect(await payments()).toEqual([]);
  });

  test('counts once, however often the form is sent', async () => {
    const { href, payments } = await invoiced();
    const path = `${href}/pay`;
    const opened = await operator.get(path);
    const answers = await Promise.all([1, 2, 3].map(() => operator.confirm(path, opened)));
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(outcome(await operator.confirm(path, opened))).toBe(`${href}?done=paid-before`);
    expect(await payments()).toHaveLength(1);
  });

  test('by two operators who saw the same balance counts once', async () => {
    const { href, number, payments } = await invoiced();
    const path = `${href}/pay`;
    const opened = await other.get(path);
    await operator.act(path);
    expect(outcome(await other.confirm(path, opened))).toBe(`${href}?done=paid-before`);
    const different = await other.confirm(path, opened, { amount: '68.58' });
    expect(outcome(different)).toEqual(says(422, `${number}-p1 is another payment`));
    expect(await payments()).toHaveLength(1);
  });

  test('is shown again if the balance has changed since', async () => {
    const { href, number, payments } = await invoiced();
    const path = `${href}/pay`;
    const opened = await operator.get(path);
    await pay(api.db, number, 1000);
    const again = await operator.confirm(path, opened);
    expect(outcome(again)).toEqual(says(200, 'from AUD 58.59 to AUD -10.00'));
    expect(await payments()).toHaveLength(1);
  });

  test('is not offered for a void or replaced invoice', async () => {
    const { href, id, tenantId } = await invoiced();
    const voided = { invoiceId: id, actor: 'olga', reason: 'wrong company' };
    const opened = await operator.get(`${href}/pay`);
    await voidInvoice(api.db, voided);
    expect((await operator.get(`${href}/pay`)).text).toContain('is void, and no revision has');
    expect(outcome(await operator.confirm(`${href}/pay`, opened))).toEqual(says(422, 'is void'));
    await forceInvoices(world, [tenantId]);
    const { text } = await operator.get(`${href}/pay`);
    expect(text).toMatch(/was replaced. <a href="\/operator\/invoices\/[^"]+">Go to the invoice/);
    expect(text).not.toContain('name="payment_id"');
  });
});

describe('voiding an invoice', () => {
  test('says what follows, and is on record', async () => {
    const { href, number, tenantId, status } = await invoiced();
    const path = `${href}/void`;
    const opened = await operator.get(path);
    expect(opened.text).toContain(
      `Invoice ${number} of AUD 68.59 becomes void for good: ${tenantId} owes nothing for it.`,
    );
    const without = await operator.fill(path, { reason: 'x' });
    expect(outcome(without)).toEqual(says(422, 'Tick the box'));
    expect(outcome(await operator.act(path, { reason: ' ' }))).toEqual(says(422, 'Reason: give'));
    expect(await status()).toEqual(['issued']);
    const answer = await operator.act(path, { reason: 'wrong company' });
    expect(outcome(answer)).toBe(`${href}?done=voided`);
    expect(await status()).toEqual(['void']);
    expect(await lastAction()).toMatchObject({
      ...{ action: 'voidInvoice', reason: 'wrong company', outcome: 'done' },
    });
    // A double click.
    expect(outcome(await operator.confirm(path, opened, { reason: 'wrong company' }))).toBe(
      `${href}?done=voided`,
    );
  });

  test('says that another operator has voided it', async () => {
    const { href } = await invoiced();
    const opened = await other.get(`${href}/void`);
    await operator.act(`${href}/void`, { reason: 'mine' });
    const answer = await other.confirm(`${href}/void`, opened, { reason: 'theirs' });
    expect(outcome(answer)).toEqual(says(422, 'is void already: by key:ops on '));
    expect(answer.text).toContain('“mine”');
    expect(answer.text).not.toContain('theirs');
  });

  test('is refused once it is paid, also if the form was opened before', async () => {
    const { href, number, status } = await invoiced();
    const opened = await operator.get(`${href}/void`);
    await pay(api.db, number, 1);
    const answer = await operator.confirm(`${href}/void`, opened, { reason: 'too late' });
    expect(outcome(answer)).toEqual(says(422, `invoice ${number} is settled`));
    expect(await status()).toEqual(['issued']);
  });

  test.each([
    '3f2504e0-4f89-41d3-9a0c-0305e82c3301/void',
    'acme-000001/pay',
    'nothing/credit',
    'nothing/release',
  ])('is not possible for an unknown invoice: %s', async (path) => {
    expect((await operator.get(`/operator/invoices/${path}`)).status).toBe(404);
    expect((await operator.post(`/operator/invoices/${path}`, {})).status).toBe(404);
  });
});

describe('crediting a line', () => {
  test('asks for the amount, shows the note, and is on record', async () => {
    const { href, number, tenantId } = await invoiced();
    const path = `${href}/credit?line_no=2`;
    const opened = await operator.get(path);
    expect(opened.text).toContain('at most AUD 12.35');
    expect(opened.text).toContain('>Continue</button>');
    expect(opened.text).toMatch(/<option value="2" selected>2: LLM usage, tenant-\d+-a, 12\.35</);
    expect(opened.text).not.toContain('<option value="3"');
    const shown = await operator.fill(path, { amount: '5', reason: 'outage of 12 May' });
    expect(outcome(shown)).toEqual(
      says(200, 'An adjustment note of AUD −5.50 is issued: AUD 5.00 less for line 2'),
    );
    expect(shown.text).toContain('AUD 7.35 of this line can be credited after that.');
    expect(shown.text).toContain(`The balance of ${number} changes from AUD 68.59 to AUD 63.09.`);
    expect(shown.text).toContain(`${tenantId} sees the note, with your reason, at once.`);
    expect(await notesOf(api.db, tenantId)).toEqual([]);
    const answer = await operator.confirm(path, shown);
    expect(outcome(answer)).toBe(`${href}?done=credited`);
    expect(await notesOf(api.db, tenantId)).toMatchObject([
      { totalCents: -550, reason: 'outage of 12 May', actor: 'key:ops' },
    ]);
    expect(await lastAction()).toMatchObject({ action: 'postInvoiceCredit', outcome: 'done' });
    expect((await operator.get(`${href}?done=credited`)).text).toContain('The credit is given.');
  });

  test.each([
    [{ amount: '12.36' }, 'Amount: only AUD 12.35 is left to credit on line 2'],
    [{ amount: '5,00' }, 'Amount: write 5.00, not 5,00'],
    [{ amount: '-5' }, 'Amount: expected an amount above 0 in AUD'],
    [{ amount: '9'.repeat(17) }, 'Amount: expected an amount above 0 in AUD'],
    [{ line_no: '' }, 'Line: choose one'],
    [{ line_no: '3' }, 'is tax, which follows from the other lines'],
    [{ line_no: '77' }, 'has no line 77'],
    [{ reason: '' }, 'Reason: give one'],
  ])('refuses %j next to the field', async (fields, message) => {
    const { href, tenantId } = await invoiced();
    const answer = await operator.act(`${href}/credit?line_no=2`, {
      ...{ amount: '5.00', reason: 'outage' },
      ...fields,
    });
    expect(outcome(answer)).toEqual(says(422, message));
    expect(await notesOf(api.db, tenantId)).toEqual([]);
  });

  test('is given once, however often the form is sent', async () => {
    const { href, tenantId } = await invoiced();
    const path = `${href}/credit?line_no=2`;
    const shown = await operator.fill(path, { amount: '5', reason: 'outage' });
    const answers = await Promise.all([1, 2, 3].map(() => operator.confirm(path, shown)));
    expect(answers.map(outcome)).toEqual(Array(3).fill(`${href}?done=credited`));
    expect(await notesOf(api.db, tenantId)).toHaveLength(1);
  });

  test('by two operators who saw the same invoice is given once', async () => {
    const { href, tenantId } = await invoiced();
    const path = `${href}/credit?line_no=2`;
    const [mine, theirs] = await Promise.all(
      [operator, other].map((each, index) =>
        each.fill(path, { amount: '5', reason: `outage, as reported ${index} times` }),
      ),
    );
    const answers = await Promise.all([
      operator.confirm(path, mine!),
      other.confirm(path, theirs!),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 422]);
    const late = answers.find(({ status }) => status === 422)!;
    expect(late.text).toContain('Another credit was given on this invoice in the meantime');
    expect(late.text).toContain('AUD 2.35 of this line can be credited after that');
    expect(await notesOf(api.db, tenantId)).toHaveLength(1);
    // With what is shown now it is a further credit.
    const by = answers[0] === late ? operator : other;
    expect((await by.confirm(path, late)).status).toBe(303);
    expect(await notesOf(api.db, tenantId)).toHaveLength(2);
  });

  test('works on a line of an adjustment note, and leads back to its invoice', async () => {
    const { href, tenantId, number } = await invoiced();
    await pay(api.db, number, 1);
    const usage = { tenantId, deploymentId: `${tenantId}-a`, kind: 'llm_usage', amount: '100' };
    await seedUsage(api.db, usage);
    await forceInvoices(world, [tenantId]);
    const [note] = await notesOf(api.db, tenantId);
    const page = `/operator/adjustment-notes/${note!.invoiceId}`;
    const path = `${page}/credit?line_no=1`;
    expect((await operator.get(page)).text).toContain(`href="${path}"`);
    expect(outcome(await operator.act(path, { amount: '1', reason: 'goodwill' }))).toBe(
      `${href}?done=credited`,
    );
    expect(await notesOf(api.db, tenantId)).toHaveLength(2);
  });

  test('is not offered for a void invoice', async () => {
    const { href, id } = await invoiced();
    await voidInvoice(api.db, { invoiceId: id, actor: 'olga', reason: 'x' });
    expect((await operator.get(`${href}/credit`)).text).toContain('there is nothing to credit');
  });
});

describe('excluding an event', () => {
  test('leads from the usage behind a line and back, and says what changes when', async () => {
    const { href, number, tenantId } = await invoiced();
    const page = `${href}/lines/2`;
    const [, link = ''] =
      /href="(\/operator\/usage-exclusions\/new[^"]+)"/.exec((await operator.get(page)).text) ?? [];
    const path = link.replaceAll('&amp;', '&');
    const opened = await operator.get(path);
    const theirs = await other.get(path);
    expect(opened.text).toContain(`AUD 12.34567 of ${tenantId}-a in May 2026 is no longer billed.`);
    expect(opened.text).toMatch(
      new RegExp(
        `>${number}</a> bills it until May 2026 is rerun for ${tenantId}, which issues a rev`,
      ),
    );
    const answer = await operator.act(path, { reason: 'priced in dollars' });
    expect(outcome(answer)).toBe(`${page}?done=excluded`);
    const { text } = await operator.get(`${page}?done=excluded`);
    expect(text).toContain('The event is excluded.');
    expect(text).toContain('excluded by the next rerun');
    expect(text).not.toContain('/operator/usage-exclusions/new');
    expect(await lastAction()).toMatchObject({
      ...{ action: 'postUsageExclusion', reason: 'priced in dollars', outcome: 'done' },
    });
    // A double click, and another operator.
    expect((await operator.confirm(path, opened, { reason: 'priced in dollars' })).status).toBe(
      303,
    );
    const refused = await other.confirm(path, theirs, { reason: 'theirs' });
    expect(outcome(refused)).toEqual(says(422, 'It is excluded already: by key:ops on '));
    await forceInvoices(world, [tenantId]);
    const [, revision] = await invoicesOf(api.db, tenantId);
    const rerun = await operator.get(`/operator/invoices/${revision!.invoiceId}/lines/2`);
    expect(rerun.text).not.toContain('excluded by the next rerun');
  });

  test('of a settled invoice announces an adjustment note', async () => {
    const { number, eventId } = await invoiced();
    await pay(api.db, number, 1);
    const { text } = await operator.get(
      `/operator/usage-exclusions/new?source=llm&event_id=${eventId}`,
    );
    expect(text).toContain('which issues an adjustment note, because the invoice is settled');
  });

  test('of metered usage that no invoice bills yet names the quantity', async () => {
    const tenantId = `tenant-${(last += 1)}`;
    await seedTenant(api.db, tenantId);
    const deployment = { tenantId, deploymentId: `${tenantId}-a` };
    const eventId = await seedUsage(api.db, { ...deployment, kind: 'llm_tokens', amount: '1500' });
    const path = `/operator/usage-exclusions/new?source=metered&event_id=${eventId}`;
    const { text } = await operator.get(path);
    expect(text).toContain(`1,500 LLM tokens of ${tenantId}-a in May 2026 is no longer billed.`);
    expect(text).toContain('No invoice bills it yet. The next one leaves it out.');
    await excludeEvent(api.db, { source: 'metered', eventId, actor: 'olga', reason: 'twice' });
    expect((await operator.get(path)).text).toContain('excluded already: by olga');
  });

  test.each(['?source=llm&event_id=nothing', '', '?source=metered&event_id=%F0%9F%92%A5'])(
    'is not possible for an unknown event: %s',
    async (query) => {
      expect((await operator.get(`/operator/usage-exclusions/new${query}`)).status).toBe(404);
    },
  );

  test('never leads to another site', async () => {
    const { eventId } = await invoiced();
    const path = `/operator/usage-exclusions/new?source=llm&event_id=${eventId}`;
    for (const from of ['https://evil.example/operator', '//evil.example', '/tenant', '/api/v1']) {
      const opened = await operator.get(`${path}&from=${encodeURIComponent(from)}`);
      expect(formOf(opened).from).toEqual(['/operator/months']);
    }
    const answer = await operator.act(path, { reason: 'x', from: 'https://evil.example/operator' });
    expect(outcome(answer)).toBe('/operator/months?done=excluded');
  });
});

describe('accepting a total beyond the bounds', () => {
  test('names the tenant, has to be confirmed, and asks the month’s workflow to accept it', async () => {
    const { tenantId, number } = await invoiced();
    const path = `/operator/months/${MONTH}/re-run?tenant_id=${tenantId}&accept_bounds=true`;
    const opened = await operator.get(path);
    expect(opened.text).toContain(`<h1>Accept the total of ${tenantId}</h1>`);
    expect(opened.text).toContain(
      `${number} of ${tenantId} is replaced by a revision: the same lines and total, AUD 68.59, whatever the safety bounds say.`,
    );
    const without = await operator.fill(path, { reason: 'checked' });
    expect(outcome(without)).toEqual(says(422, 'Tick the box'));
    const before = api.requested.length;
    const answer = await operator.act(path, { reason: 'checked' });
    expect(answer.status).toBe(303);
    expect(api.requested.slice(before)).toMatchObject([
      { reason: 'checked', force: { tenantIds: [tenantId], acceptBounds: true } },
    ]);
  });
});
