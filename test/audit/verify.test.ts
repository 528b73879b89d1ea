import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { verifyMonth } from '../../src/audit/verify.ts';
import { readControlTotals } from '../../src/db/month-end/read-control-totals.ts';
import { creditLine } from '../../src/db/invoices/credit.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import type { Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { findImbalances } from '../../src/domain/control-totals.ts';
import { periodOf } from '../_util/utc.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { expectSoundBooks, invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { copyDatabase, createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { ANY_TIME } from '../_util/any-time.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedMonth(world);
  await expectSoundBooks(world.db);
  // It is copied, which requires that no session is connected.
  await world.disconnect();
});
afterAll(() => world.testDatabase.drop());

const TENANTS = ['acme', 'beta', 'ciao', 'late', 'noted', 'paid', 'void'];

/** A month with every case: both kinds of usage, revisions, exclusions, adjustment notes, credits and final statuses. */
async function seedMonth({ db, activities }: LedgerWorld): Promise<void> {
  await seedCatalogue(db);
  for (const tenantId of TENANTS) await seedTenant(db, tenantId);
  await seedTenant(db, 'planless', [{ deploymentId: 'planless-a', planVersionId: null }]);
  const use = (tenantId: string, kind: string, amount: string, month = MONTH) =>
    seedUsage(db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });
  const exclude = (eventId: string) =>
    excludeEvent(db, { source: 'llm', eventId, actor: 'olga', reason: 'poison' });
  for (const tenantId of TENANTS) {
    await use(tenantId, 'llm_usage', '10.25');
    await use(tenantId, 'llm_usage', '0.3333');
    await use(tenantId, 'llm_tokens', '1234567.5');
    await use(tenantId, 'snapshots', '2');
  }
  await use('late', 'llm_usage', '3', '2026-04');
  await exclude(await use('beta', 'llm_usage', '500'));
  await buildInvoices({ activities }, [...TENANTS, 'planless']);
  const poison = await use('ciao', 'llm_usage', '7');
  await forceInvoices({ activities }, ['ciao']);
  await exclude(poison);
  await use('acme', 'llm_tokens', '1000');
  await forceInvoices({ activities }, ['acme', 'ciao']);
  await forceInvoices({ activities }, ['beta'], { onlyIfChanged: true });
  await pay(db, 'paid-000001', 100);
  await voidOf(db, 'void');
  await use('paid', 'llm_tokens', '5000');
  await seedNotes({ db, activities });
  await serveRequests({ activities });
}

/** A settled invoice: a rerun adds usage of both kinds and takes back an event, then a line is credited. */
async function seedNotes({
  db,
  activities,
}: Pick<LedgerWorld, 'db' | 'activities'>): Promise<void> {
  const use = (kind: string, amount: string) =>
    seedUsage(db, { tenantId: 'noted', deploymentId: 'noted-a', kind, amount });
  const [invoice] = await invoicesOf(db, 'noted');
  await settleInvoice({ db }, invoice!);
  await use('llm_usage', '20');
  await use('llm_tokens', '5000');
  const cheap = z.object({ id: z.string() });
  const eventId = await db.oneFirst(sql.type(cheap)`
    SELECT gateway_request_id AS id FROM llm_usage_events WHERE tenant_id = 'noted' AND charge_cents = 0.3333`);
  await excludeEvent(db, { source: 'llm', eventId, actor: 'olga', reason: 'poison' });
  await forceInvoices({ activities }, ['noted']);
  const credit = {
    lineNo: 3,
    amountCents: 7,
    reason: 'goodwill',
    requestId: 'credit-1',
    actor: 'olga',
  };
  const { outcome } = await creditLine(db, { documentId: invoice!.invoiceId, ...credit });
  expect(outcome).toBe('credited');
}

/** Ends a pass, which closes the requests for the month. */
async function serveRequests({ activities }: Pick<LedgerWorld, 'activities'>): Promise<void> {
  const pass = await activities.beginPass({ month: MONTH });
  await activities.finishPass({ month: MONTH, upToSeq: pass?.upToSeq ?? 0 });
}

async function voidOf(db: Database, tenantId: string): Promise<void> {
  const [invoice] = await invoicesOf(db, tenantId);
  const invoiceId = invoice!.invoiceId;
  await voidInvoice(db, { invoiceId, actor: 'olga', reason: 'x' });
}

async function wrongChecks(db: Database): Promise<readonly string[]> {
  const { checks } = await verifyMonth(db, MONTH);
  return checks.filter(({ problems }) => problems > 0).map(({ id }) => id);
}

test('a sound month passes every check, and its control totals add up', async () => {
  await using copy = await copyDatabase(world.testDatabase);
  expect(await wrongChecks(copy.db)).toEqual([]);
  const { ok, scope } = await verifyMonth(copy.db, MONTH);
  expect(ok).toBe(true);
  expect(scope).toMatchObject({
    ...{ invoices: 10, adjustment_notes: 2 },
    ...{ llm_events: 17, metered_records: 17 },
  });
});

test('a due tenant without an outcome is open work once the month is closed', async () => {
  await using copy = await copyDatabase(world.testDatabase);
  expect(await verifyMonth(copy.db, '2199-12')).toMatchObject({ ok: true, to_do: [] });
  await copy.run(`DELETE FROM tenant_outcomes WHERE tenant_id = 'planless'`);
  await copy.run(`INSERT INTO month_end_requests
      (period_start, request_id, actor, kind, content_hash, state, finished_at, manifest)
    VALUES ('2026-05-01', 'closed', 'test', 'run', '', 'finished', now(), '{}')`);
  expect(await verifyMonth(copy.db, MONTH)).toMatchObject({
    ok: true,
    to_do: [expect.stringContaining('1 due tenant has no outcome yet')],
  });
});

/** Disables a table's triggers, as a well-meaning superuser might. */
const without = (table: string, damage: string) =>
  `ALTER TABLE ${table} DISABLE TRIGGER USER; ${damage}; ALTER TABLE ${table} ENABLE TRIGGER USER`;
const lineOf = (tenantId: string, kind: string) =>
  `kind = '${kind}' AND invoice_id = (SELECT invoice_id FROM invoices WHERE tenant_id = '${tenantId}' AND status <> 'superseded')`;

/** The adjustment note of a rerun. */
const NOTE = `SELECT invoice_id FROM invoices WHERE note_origin = 'rerun'`;

/** Removes what enforces an invariant, then does the damage that it prevents. */
const DAMAGE: readonly [invariant: string, what: string, statements: string, checks: string[]][] = [
  [
    'I1',
    'the unique index dropped, and a month invoiced twice',
    `DROP INDEX invoices_one_live; ` +
      without(
        'invoices',
        `UPDATE invoices SET status = 'issued', superseded_by = NULL, superseded_at = NULL
         WHERE tenant_id = 'acme' AND status = 'superseded'`,
      ),
    ['one_invoice_stands', 'revisions_linked', 'books_balance'],
  ],
  [
    'I1',
    'a number given without an invoice',
    `UPDATE tenants SET last_invoice_seq = last_invoice_seq + 1 WHERE tenant_id = 'acme'`,
    ['numbers_without_gaps'],
  ],
  [
    'I2',
    'the seal removed, and usage added to a bucket that was billed',
    without(
      'usage_buckets',
      `UPDATE usage_buckets SET event_count = event_count + 1, total = total + 5
       WHERE tenant_id = 'acme' AND source = 'llm'`,
    ),
    ['bucket_sums', 'books_balance'],
  ],
  [
    'I2',
    'the deduplication skipped, and an event accepted twice',
    `ALTER TABLE llm_usage_events DROP CONSTRAINT llm_usage_events_pkey;
     INSERT INTO llm_usage_events SELECT * FROM llm_usage_events WHERE tenant_id = 'acme' LIMIT 1`,
    ['events_once', 'bucket_sums', 'lines_recomputed'],
  ],
  [
    'I2',
    'an event deleted',
    without('llm_usage_events', `DELETE FROM llm_usage_events WHERE tenant_id = 'acme'`),
    ['bucket_sums', 'lines_recomputed'],
  ],
  [
    'I2',
    "an event moved to another tenant's bucket",
    without(
      'llm_usage_events',
      `UPDATE llm_usage_events SET bucket_id = (
         SELECT bucket_id FROM usage_buckets WHERE tenant_id = 'beta' AND source = 'llm' LIMIT 1)
       WHERE gateway_request_id = (SELECT min(gateway_request_id) FROM llm_usage_events WHERE tenant_id = 'acme')`,
    ),
    ['events_in_their_bucket', 'bucket_sums', 'lines_recomputed'],
  ],
  [
    'I2',
    'an event in the bucket of another model',
    without(
      'llm_usage_events',
      `UPDATE llm_usage_events SET model = 'other' WHERE tenant_id = 'acme'`,
    ),
    ['events_in_their_bucket'],
  ],
  [
    'I2',
    'an event in the bucket of all other models, although its model has one of its own',
    without(
      'usage_buckets',
      `UPDATE usage_buckets SET model = '' WHERE bucket_id = (
         SELECT max(bucket_id) FROM usage_buckets WHERE tenant_id = 'ciao' AND source = 'llm')`,
    ),
    ['events_in_their_bucket', 'lines_recomputed'],
  ],
  [
    'I2',
    'usage left with a superseded invoice',
    without(
      'usage_buckets',
      `UPDATE usage_buckets SET sealed_for = (
         SELECT invoice_id FROM invoices WHERE tenant_id = 'acme' AND status = 'superseded')
       WHERE tenant_id = 'acme' AND source = 'llm'`,
    ),
    ['usage_has_a_place', 'usage_on_its_invoice', 'books_balance'],
  ],
  [
    'I2',
    "usage taken from an invoice, to be billed again by the tenant's next",
    without(
      'usage_buckets',
      `UPDATE usage_buckets SET sealed_for = NULL WHERE tenant_id = 'beta' AND source = 'llm'`,
    ),
    ['usage_on_its_invoice'],
  ],
  [
    'I2',
    'a correction that adds the wrong difference',
    without(
      'metered_usage_records',
      `UPDATE metered_usage_records SET added_qty = added_qty - 1 WHERE tenant_id = 'acme'`,
    ),
    ['corrections_add_the_difference', 'bucket_sums', 'lines_recomputed'],
  ],
  [
    'I2',
    'an exclusion that takes out more than its event',
    `UPDATE usage_exclusions SET amount = amount + 1 WHERE tenant_id = 'ciao'`,
    ['exclusions_are_of_events', 'lines_recomputed', 'books_balance'],
  ],
  [
    'I3',
    'a line with another amount',
    without(
      'invoice_lines',
      `UPDATE invoice_lines SET amount_cents = amount_cents + 1 WHERE ${lineOf('beta', 'llm_usage')}`,
    ),
    ['lines_add_up', 'kinds_add_up', 'lines_recomputed', 'as_issued', 'books_balance'],
  ],
  [
    'I2',
    'an invoice item that counts as billed, and is on no invoice',
    `INSERT INTO invoice_items (item_id, tenant_id, period_start, description, amount_cents, taxable, actor, applied_cents)
     VALUES ('lost', 'beta', '2026-05-01', 'Workshop', 100, true, 'x', 100)`,
    ['items_billed_once'],
  ],
  [
    'I3',
    'a header and a line that agree with each other, and with nothing else',
    without(
      'invoice_lines',
      `UPDATE invoice_lines SET amount_cents = amount_cents + 1 WHERE ${lineOf('beta', 'plan_base')}`,
    ) +
      ';' +
      without(
        'invoices',
        `UPDATE invoices SET subtotal_cents = subtotal_cents + 1, taxable_cents = taxable_cents + 1,
       plan_base_cents = plan_base_cents + 1, total_cents = total_cents + 1 WHERE tenant_id = 'beta'`,
      ),
    ['lines_recomputed', 'as_issued'],
  ],
  [
    'I3',
    'a line that claims to be of another kind',
    without(
      'invoice_lines',
      `UPDATE invoice_lines SET kind = 'addon', resource_kind = 'x',
         meta = '{"addon_code": "x", "included_qty": "1"}' WHERE ${lineOf('beta', 'llm_usage')}`,
    ),
    ['kinds_add_up', 'lines_recomputed', 'as_issued'],
  ],
  [
    'I3',
    'totals by kind that are not those of the lines',
    without(
      'invoices',
      `UPDATE invoices SET plan_base_cents = plan_base_cents + 1, addon_cents = addon_cents - 1
       WHERE tenant_id = 'beta'`,
    ),
    ['kinds_add_up'],
  ],
  [
    'I3',
    'a tax at another rate',
    'ALTER TABLE invoices DROP CONSTRAINT invoices_taxed_by_treatment;' +
      without('invoices', `UPDATE invoices SET tax_rate = 0.20 WHERE tenant_id = 'beta'`),
    ['lines_add_up', 'tax_as_recorded', 'lines_recomputed', 'as_issued'],
  ],
  [
    'I3',
    'a note of a tax treatment that was never recorded',
    without('invoices', `UPDATE invoices SET tax_note = 'GST-free' WHERE tenant_id = 'beta'`),
    ['tax_as_recorded', 'as_issued'],
  ],
  [
    'I3',
    'a tax in AUD that was never due, at a rate that was never recorded',
    'ALTER TABLE invoices DROP CONSTRAINT invoices_tax_in_aud;' +
      without(
        'invoices',
        `UPDATE invoices SET aud_rate = 2, aud_rate_source = 'x', tax_aud_cents = 1 WHERE tenant_id = 'beta'`,
      ),
    ['tax_as_recorded', 'lines_recomputed', 'as_issued'],
  ],
  [
    'I4',
    'a description changed after issue',
    without(
      'invoice_lines',
      `UPDATE invoice_lines SET qty = qty, unit = 'requests' WHERE ${lineOf('beta', 'llm_usage')}`,
    ),
    ['as_issued', 'lines_recomputed'],
  ],
  [
    'I4',
    'a superseded invoice rewritten',
    without('invoices', `UPDATE invoices SET actor = 'nobody' WHERE status = 'superseded'`),
    ['as_issued'],
  ],
  [
    'I4',
    'the subscriptions that an invoice was composed from, rewritten',
    without(
      'invoice_compositions',
      `UPDATE invoice_compositions SET deployments = '[]' WHERE invoice_id = (
         SELECT invoice_id FROM invoices WHERE tenant_id = 'beta' AND status <> 'superseded')`,
    ),
    ['as_issued', 'lines_recomputed'],
  ],
  [
    'I4',
    'days of a subscription that change no line',
    without(
      'invoice_compositions',
      `UPDATE invoice_compositions
       SET deployments = jsonb_set(deployments, '{0,subscriptions,0,serviceFrom}', '"2026-05-02"')`,
    ),
    ['as_issued'],
  ],
  [
    'I4',
    'a stored difference lost',
    without('invoice_line_changes', `DELETE FROM invoice_line_changes WHERE change_no = 1`),
    ['differences_recomputed'],
  ],
  [
    'I4',
    'an invoice voided by nobody',
    without('invoices', `UPDATE invoices SET status = 'void' WHERE tenant_id = 'beta'`),
    ['final_statuses_recorded'],
  ],
  [
    'I1',
    'a number given without an adjustment note',
    `UPDATE tenants SET last_note_seq = last_note_seq + 1 WHERE tenant_id = 'noted'`,
    ['note_numbers_without_gaps'],
  ],
  [
    'I2',
    'usage of an adjustment note moved to its invoice',
    without(
      'usage_buckets',
      `UPDATE usage_buckets SET sealed_for = (SELECT invoice_id FROM invoices WHERE tenant_id = 'noted' AND kind = 'invoice')
       WHERE sealed_for = (SELECT invoice_id FROM invoices WHERE tenant_id = 'noted' AND note_origin = 'rerun')`,
    ),
    ['usage_on_its_invoice'],
  ],
  [
    'I2',
    'an event deleted that an adjustment note bills',
    without('llm_usage_events', `DELETE FROM llm_usage_events WHERE charge_cents = 20`),
    ['bucket_sums', 'lines_recomputed', 'notes_add_up'],
  ],
  [
    'I3',
    'a header and a line of an adjustment note that agree with each other, and with nothing else',
    without(
      'invoice_lines',
      `UPDATE invoice_lines SET amount_cents = amount_cents + 1 WHERE kind = 'overage' AND invoice_id IN (${NOTE})`,
    ) +
      ';' +
      without(
        'invoices',
        `UPDATE invoices SET subtotal_cents = subtotal_cents + 1, overage_cents = overage_cents + 1,
           total_cents = total_cents + 1 WHERE invoice_id IN (${NOTE})`,
      ),
    ['lines_recomputed', 'notes_add_up', 'as_issued', 'books_balance'],
  ],
  [
    'I3',
    'models that do not add up to their line',
    without(
      'invoice_lines',
      `UPDATE invoice_lines SET meta = jsonb_set(meta, '{by_model,0,requests}', '"9"') WHERE ${lineOf('acme', 'llm_usage')}`,
    ),
    ['models_add_up', 'lines_recomputed', 'as_issued'],
  ],
  [
    'I3',
    'an adjustment note with another tax',
    without(
      'invoices',
      `UPDATE invoices SET tax_cents = tax_cents + 1, total_cents = total_cents + 1 WHERE invoice_id IN (${NOTE})`,
    ),
    ['notes_taxed', 'lines_add_up', 'as_issued', 'books_balance'],
  ],
  [
    'I3',
    'a credit of more than was left of its line',
    without('invoice_lines', `UPDATE invoice_lines SET amount_cents = -5000 WHERE kind = 'credit'`),
    ['credits_within_their_line', 'lines_add_up', 'as_issued', 'books_balance'],
  ],
  [
    'I3',
    'a credit on a line that does not exist',
    without(
      'invoice_lines',
      `UPDATE invoice_lines SET meta = meta || '{"credited_line_no": 99}' WHERE kind = 'credit'`,
    ),
    ['credits_within_their_line', 'as_issued'],
  ],
  [
    'I4',
    'an adjustment note out of turn',
    without('invoices', `UPDATE invoices SET revision = 7 WHERE note_origin = 'credit'`),
    ['notes_linked', 'as_issued'],
  ],
  [
    'I5',
    'a tenant with an invoice and no outcome',
    `DELETE FROM tenant_outcomes WHERE outcome <> 'parked'`,
    ['books_balance'],
  ],
  [
    'I5',
    'a tenant that counts as invoiced and is not',
    `UPDATE tenant_outcomes SET outcome = 'rolled', reason_type = NULL, reason = NULL,
       invoice_id = (SELECT invoice_id FROM invoices LIMIT 1) WHERE tenant_id = 'planless'`,
    ['outcomes_hold', 'books_balance'],
  ],
];

describe('the checks can fail', () => {
  test.each(DAMAGE)('%s: %s', async (_invariant, _what, statements, checks) => {
    await using copy = await copyDatabase(world.testDatabase);
    await copy.run(statements);
    const wrong = await wrongChecks(copy.db);
    expect(wrong).toEqual(expect.arrayContaining(checks));
  });

  test.each([`'[{}]'`, `jsonb_set(deployments, '{0,subscriptions,0,days}', '"19"')`])(
    'a composition changed to %s is named, and the other invoices are still computed',
    async (composition) => {
      await using copy = await copyDatabase(world.testDatabase);
      const beta = `(SELECT invoice_id FROM invoices WHERE tenant_id = 'beta' AND status <> 'superseded')`;
      const change = `UPDATE invoice_compositions SET deployments = ${composition} WHERE invoice_id = ${beta}`;
      await copy.run(without('invoice_compositions', change));
      const [invoice] = await invoicesOf(copy.db, 'beta');
      const { checks } = await verifyMonth(copy.db, MONTH);
      expect(checks.find(({ id }) => id === 'lines_recomputed')).toMatchObject({
        problems: 1,
        examples: [`the composition of invoice ${invoice!.number} is not valid`],
      });
    },
  );

  test('every check has a case that makes it fail', async () => {
    await using copy = await copyDatabase(world.testDatabase);
    const { checks } = await verifyMonth(copy.db, MONTH);
    const seen = new Set(DAMAGE.flatMap(([, , , ids]) => ids));
    expect(checks.map(({ id }) => id).filter((id) => !seen.has(id))).toEqual([]);
  });

  test('an event counted twice by unchecked ingestion is found', async () => {
    await using copy = await copyDatabase(world.testDatabase);
    await copy.run(
      `ALTER TABLE llm_usage_events DROP CONSTRAINT llm_usage_events_pkey;
       CREATE UNIQUE INDEX ON llm_usage_events (gateway_request_id, received_at)`,
    );
    const event = {
      gateway_request_id: 'twice',
      tenant_id: 'acme',
      deployment_id: 'acme-a',
      model: 'm',
      occurred_at: `${MONTH}-10T00:00:00Z`,
      charge_cents: '5',
    };
    const ingestion = createIngestion({ db: copy.db, now: () => new Date(), timeBounds: ANY_TIME });
    // Without the constraint that it relies on, the insert fails.
    await expect(ingestion.ingest('llm', [event])).rejects.toThrow();
    await ingestion.close();
    expect(await wrongChecks(copy.db)).toEqual([]);
  });
});

describe('control totals', () => {
  test('list each class of usage, with exact sums next to rounded ones', async () => {
    await using copy = await copyDatabase(world.testDatabase);
    const totals = await readControlTotals(copy.db, periodOf(MONTH));
    expect(findImbalances(totals)).toEqual([]);
    expect(totals.tenants).toMatchObject({
      due: 8,
      rolled: 5,
      adjusted: 1,
      unchanged: 1,
      nothing_to_bill: 0,
      parked: 1,
    });
    const llm = totals.usage.find(({ source }) => source === 'llm');
    expect(llm).toMatchObject({ events: '17', total: '601.0831' });
    expect(llm?.places).toEqual(
      expect.arrayContaining([
        { state: 'billed', class: 'billed', events: '12', total: '83.1665' },
        { state: 'voided', class: 'pending', events: '2', total: '10.5833' },
        { state: 'excluded', class: 'excluded', events: '3', total: '507.3333' },
      ]),
    );
    expect(totals.lines).toMatchObject([
      { kind: 'llm_usage', lines: 8, exact_cents: '96.7498', rounded_cents: '99', wrong: 0 },
      { kind: 'overage', lines: 7, wrong: 0 },
    ]);
    expect(totals.invoices).toContainEqual(
      expect.objectContaining({
        ...{ kind: 'adjustment_note', status: 'issued', invoices: 2 },
        // Usage of 19 and 5, less the credit of 7.
        ...{ subtotal_cents: '17', wrong: 0 },
      }),
    );
  });
});
