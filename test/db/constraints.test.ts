import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { CURRENCIES } from '../../src/domain/currency.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { createWorld, type World } from '../_util/world.ts';

let world: World;
let app: pg.Client;
let superuser: pg.Client;
beforeAll(async () => {
  world = await createWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  const usage = { tenantId: 'acme', deploymentId: 'acme-a' };
  await seedUsage(world.db, { ...usage, kind: 'llm_usage', amount: '5' });
  await seedUsage(world.db, { ...usage, kind: 'llm_tokens', amount: '5' });
  const owner = 'run-1';
  const ownerStartedAt = new Date().toISOString();
  const { drafts } = await world.activities.openDrafts({
    month: MONTH,
    tenantIds: ['acme'],
    owner,
    ownerStartedAt,
  });
  await world.activities.quoteSubscriptions({ month: MONTH, drafts, owner });
  await world.activities.pullLlmUsage({ month: MONTH, drafts, owner });
  await world.activities.persistInvoices({ month: MONTH, drafts, owner });
  app = new pg.Client({ connectionString: world.appUrl });
  superuser = new pg.Client({ connectionString: world.superuserUrl });
  await Promise.all([app.connect(), superuser.connect()]);
});
afterAll(async () => {
  await Promise.all([app.end(), superuser.end()]);
  await world[Symbol.asyncDispose]();
});

test('the database and the domain have the same currencies', async () => {
  const { rows } = await superuser.query<{ rule: string }>(
    "SELECT pg_get_constraintdef(oid) AS rule FROM pg_constraint WHERE conname LIKE 'currency_code%'",
  );
  const codes = [...(rows[0]?.rule ?? '').matchAll(/'([A-Z]+)'/g)].map(([, code]) => code);
  expect(codes.sort()).toEqual(CURRENCIES);
});

describe("the app's role", () => {
  const kept = [
    'invoices',
    'invoice_lines',
    'invoice_compositions',
    'invoice_usage',
    'llm_usage_events',
    'metered_usage_records',
    'usage_buckets',
    'units',
    'plan_versions',
    'plan_items',
    'month_end_requests',
    'invoice_status_changes',
    'invoice_line_changes',
    'invoice_digests',
    'skipped_invoice_numbers',
    'usage_exclusions',
    'invoice_exclusions',
    'book_exports',
    'book_export_documents',
    'book_exports_written',
  ];
  test.each(kept.flatMap((table) => [`DELETE FROM ${table}`, `TRUNCATE ${table} CASCADE`]))(
    'may not: %s',
    async (statement) => {
      await expect(app.query(statement)).rejects.toThrow(/permission denied/);
    },
  );
  test.each([
    'UPDATE invoices SET total_cents = 0',
    'UPDATE invoices SET number = $$x$$',
    'UPDATE invoice_lines SET amount_cents = 0',
    'UPDATE invoice_compositions SET deployments = $$[]$$',
    'UPDATE llm_usage_events SET charge_cents = 0',
    'UPDATE metered_usage_records SET qty = 0',
    'UPDATE plan_versions SET base_price_cents = 0',
    'UPDATE units SET factor = 1',
    'UPDATE usage_buckets SET service_month = $$2026-01-01$$',
    'UPDATE invoice_status_changes SET actor = $$another$$',
    'UPDATE invoice_digests SET digest = digest',
    'UPDATE skipped_invoice_numbers SET last_seq = last_seq',
    'UPDATE book_exports SET export_id = export_id',
    'UPDATE book_export_documents SET export_id = export_id',
    'UPDATE usage_exclusions SET amount = 0',
    'CREATE TABLE mine ()',
    'ALTER TABLE invoices DISABLE TRIGGER ALL',
  ])('may not: %s', async (statement) => {
    await expect(app.query(statement)).rejects.toThrow(/permission denied|must be owner/);
  });
});

/** A release of an event that is not held. */
const RELEASE = `SELECT store_held_usage('[{"quarantine_id": 1, "id": "x", "charge_cents": "1"}]')`;

describe("a process's role", () => {
  test.each([
    ['apiUrl', 'UPDATE invoices SET superseded_by = invoice_id', /permission denied/],
    // Changing only the status would contradict the other column.
    ['apiUrl', "UPDATE invoices SET status = 'superseded'", /check constraint/],
    ['apiUrl', 'UPDATE usage_buckets SET sealed_for = NULL', /permission denied/],
    ['apiUrl', "UPDATE invoice_drafts SET state = 'abandoned'", /permission denied/],
    ['apiUrl', 'INSERT INTO invoices DEFAULT VALUES', /can only issue credits/],
    ['apiUrl', 'INSERT INTO invoice_compositions DEFAULT VALUES', /permission denied/],
    [
      'workerUrl',
      "UPDATE invoices SET status = 'void'",
      /permission denied for table invoice_status/,
    ],
    ['workerUrl', 'UPDATE usage_buckets SET total = 0', /permission denied/],
    ['workerUrl', 'SELECT FROM api_keys', /permission denied/],
    ['workerUrl', 'INSERT INTO llm_usage_events DEFAULT VALUES', /permission denied/],
    ['workerUrl', "UPDATE quarantined_events SET state = 'dismissed'", /permission denied/],
    ['workerUrl', 'UPDATE usage_buckets SET event_count = 0', /permission denied/],
    ['workerUrl', RELEASE, /only usage whose cause was fixed can be released/],
    ['apiUrl', RELEASE, /permission denied/],
  ] as const)("may not do the other process's work: %s, %s", async (url, statement, reason) => {
    const client = new pg.Client({ connectionString: world[url] });
    await client.connect();
    // Runs the checks of the end of the transaction now.
    await expect(client.query(`${statement}; SET CONSTRAINTS ALL IMMEDIATE`)).rejects.toThrow(
      reason,
    );
    await client.end();
  });
});

describe('for every role', () => {
  /** Its subtotal is all of plans. */
  const insertInvoice = (columns: string, values: string) => `
    INSERT INTO invoice_drafts (draft_id, tenant_id, period_start, owner, owner_started_at, state, closed_at)
      VALUES ('00000000-0000-0000-0000-000000000001', 'acme', '2026-06-01', 'x', now(), 'issued', now());
    INSERT INTO invoices (invoice_id, buyer_name, tax_treatment, tax_label, tax_rate, seller_registered, payment_days, plan_base_cents, tenant_id, period_start, period_end, revision,
      tenant_seq, number, currency, subtotal_cents, taxable_cents, tax_cents, total_cents ${columns})
    SELECT '00000000-0000-0000-0000-000000000001', 'Acme', 'gst', 'GST', 0.10, true, 14, ${/'[A-Z]{3}', (\d+)/.exec(values)?.[1] ?? ''}, ${values}`;
  const insertNote = (values: string, adjusts = '(SELECT invoice_id FROM invoices)') =>
    insertInvoice(
      ', kind, adjusts_invoice_id, note_origin, request_id, actor, reason',
      `'acme', '2026-05-01', '2026-05-31', ${values}, 'adjustment_note', ${adjusts}, 'rerun', 'r', 'kim', 'x'`,
    );

  test.each([
    [
      'a second live invoice of a month',
      insertInvoice(
        ', replaces_invoice_id, request_id, actor, reason',
        "'acme', '2026-05-01', '2026-05-31', 2, 9, 'n', 'AUD', 1, 1, 0, 1, (SELECT invoice_id FROM invoices), 'r', 'kim', 'x'",
      ),
      /invoices_one_live/,
    ],
    [
      'a revision that names no request',
      `UPDATE invoices SET status = 'superseded', superseded_by = '00000000-0000-0000-0000-000000000001', superseded_at = now();` +
        insertInvoice(
          ', replaces_invoice_id, actor, reason',
          "'acme', '2026-05-01', '2026-05-31', 2, 9, 'n', 'AUD', 1, 1, 0, 1, (SELECT invoice_id FROM invoices), 'kim', 'x'",
        ),
      /invoices_revisions_name_their_request/,
    ],
    [
      'a total that is not subtotal and tax',
      insertInvoice('', "'acme', '2026-06-01', '2026-06-30', 1, 9, 'n', 'AUD', 1, 1, 0, 2"),
      /check constraint/,
    ],
    [
      'totals by kind that are not the subtotal',
      insertInvoice(
        ', addon_cents',
        "'acme', '2026-06-01', '2026-06-30', 1, 9, 'n', 'AUD', 1, 1, 0, 1, 5",
      ),
      /invoices_kinds_add_up/,
    ],
    [
      'a tax that is not the subtotal times the rate',
      insertInvoice('', "'acme', '2026-06-01', '2026-06-30', 1, 9, 'n', 'AUD', 100, 100, 9, 109"),
      /invoices_taxed_by_treatment/,
    ],
    [
      'an invoice in another currency without its tax in AUD',
      insertInvoice('', "'acme', '2026-06-01', '2026-06-30', 1, 9, 'n', 'USD', 100, 100, 10, 110"),
      /invoices_tax_in_aud/,
    ],
    [
      'a tax in AUD without its exchange rate',
      insertInvoice(
        ', tax_aud_cents',
        "'acme', '2026-06-01', '2026-06-30', 1, 9, 'n', 'USD', 100, 100, 10, 110, 15",
      ),
      /invoices_tax_in_aud/,
    ],
    [
      'a tax treatment that changes',
      "UPDATE tax_treatments SET rate = 0.15 WHERE treatment_code = 'gst'",
      /append-only/,
    ],
    [
      'an exchange rate of 0',
      "INSERT INTO exchange_rates VALUES ('USD', 'AUD', '2026-05-01', 1, 0, 'x')",
      /check constraint/,
    ],
    [
      'a second treatment of a tenant for the same month and entry',
      `INSERT INTO tenant_tax_treatments VALUES ('acme', '2026-05-01', 1, 'gst');
       INSERT INTO tenant_tax_treatments VALUES ('acme', '2026-05-01', 1, 'gst')`,
      /duplicate key/,
    ],
    [
      'an invoice without lines',
      insertInvoice('', "'acme', '2026-06-01', '2026-06-30', 1, 9, 'n', 'AUD', 1, 1, 0, 1") +
        '; SET CONSTRAINTS ALL IMMEDIATE',
      /without lines/,
    ],
    [
      'a line added later',
      'INSERT INTO invoice_lines SELECT invoice_id, 99, deployment_id, subscription_id, kind, resource_kind, description, qty, unit, unit_price_cents, 0, meta FROM invoice_lines WHERE line_no = 1',
      /added to later/,
    ],
    [
      'lines that do not add up',
      insertInvoice('', "'acme', '2026-06-01', '2026-06-30', 1, 9, 'n', 'AUD', 1, 1, 0, 1") +
        "; INSERT INTO invoice_lines (invoice_id, line_no, deployment_id, kind, description, qty, unit, amount_cents) VALUES ('00000000-0000-0000-0000-000000000001', 1, 'acme-a', 'plan_base', 'x', 1, 'month', 2)",
      /do not add up/,
    ],
    [
      'a line of another kind than the invoice has',
      insertInvoice('', "'acme', '2026-06-01', '2026-06-30', 1, 9, 'n', 'AUD', 1, 1, 0, 1") +
        "; INSERT INTO invoice_lines (invoice_id, line_no, deployment_id, kind, resource_kind, description, qty, unit, amount_cents) VALUES ('00000000-0000-0000-0000-000000000001', 1, 'acme-a', 'addon', 'x', 'x', 1, 'month', 1)",
      /do not add up/,
    ],
    [
      'a line of no invoice',
      "INSERT INTO invoice_lines (invoice_id, line_no, deployment_id, kind, description, qty, unit, amount_cents) VALUES ('00000000-0000-0000-0000-000000000001', 1, 'acme-a', 'plan_base', 'x', 1, 'month', 2)",
      /do not add up/,
    ],
    [
      'usage of an open bucket on an invoice',
      `INSERT INTO usage_buckets (source, tenant_id, deployment_id, resource_kind, service_month, event_count)
         VALUES ('metered', 'acme', 'acme-a', 'new_kind', '2026-05-01', 1);
       INSERT INTO invoice_usage (invoice_id, bucket_id, disposition)
         SELECT invoice_id, bucket_id, 'within_allowance' FROM invoices, usage_buckets WHERE sealed_for IS NULL`,
      /does not hold usage bucket/,
    ],
    [
      'usage of no bucket on an invoice',
      "INSERT INTO invoice_usage (invoice_id, bucket_id, disposition) SELECT invoice_id, -1, 'within_allowance' FROM invoices",
      /does not hold usage bucket -1/,
    ],
    [
      'usage on a line that the invoice does not have',
      `INSERT INTO usage_buckets (source, tenant_id, deployment_id, resource_kind, service_month, event_count, sealed_for)
         SELECT 'metered', 'acme', 'acme-a', 'new_kind', '2026-05-01', 1, invoice_id FROM invoices;
       INSERT INTO invoice_usage (invoice_id, bucket_id, line_no, disposition)
         SELECT sealed_for, bucket_id, 99, 'billed' FROM usage_buckets WHERE resource_kind = 'new_kind'`,
      /has no such line/,
    ],
    [
      'a note that adjusts no invoice',
      insertNote("1, 1, 'n', 'AUD', 0, 0, 0, 0", 'NULL::uuid'),
      /not the next note|invoices_notes_adjust/,
    ],
    [
      'a note out of turn',
      insertNote("2, 1, 'n', 'AUD', 0, 0, 0, 0"),
      /is not the next note of a live invoice/,
    ],
    [
      'a note in another currency than its invoice',
      insertNote("1, 1, 'n', 'NZD', 0, 0, 0, 0"),
      /is not the next note of a live invoice/,
    ],
    [
      'a note whose tax is not that of the difference',
      insertNote("1, 1, 'n', 'AUD', 1000, 1000, 99, 1099"),
      /does not bring the tax/,
    ],
    [
      'a void invoice that a note adjusts',
      `${insertNote("1, 1, 'n', 'AUD', 1000, 1000, 100, 1100")}; UPDATE invoices SET status = 'void' WHERE kind = 'invoice'`,
      /is settled: it cannot become void/,
    ],
    [
      'a changed note',
      `${insertNote("1, 1, 'n', 'AUD', 1000, 1000, 100, 1100")}; UPDATE invoices SET status = 'void' WHERE kind = 'adjustment_note'`,
      /is issued: only its status can change/,
    ],
    [
      'usage on no invoice',
      `INSERT INTO invoice_drafts (draft_id, tenant_id, period_start, owner, owner_started_at)
         VALUES ('00000000-0000-0000-0000-000000000002', 'acme', '2026-07-01', 'x', now());
       INSERT INTO usage_buckets (source, tenant_id, deployment_id, resource_kind, service_month, event_count, sealed_for)
         VALUES ('metered', 'acme', 'acme-a', 'new_kind', '2026-05-01', 1, '00000000-0000-0000-0000-000000000002');
       INSERT INTO invoice_usage (invoice_id, bucket_id, disposition)
         SELECT sealed_for, bucket_id, 'within_allowance' FROM usage_buckets WHERE resource_kind = 'new_kind'`,
      /does not hold usage bucket/,
    ],
    [
      'another amount on an issued invoice',
      'UPDATE invoices SET subtotal_cents = 0, total_cents = tax_cents',
      /only its status/,
    ],
    [
      'a void invoice issued again',
      "UPDATE invoices SET status = 'void'; UPDATE invoices SET status = 'issued'",
      /cannot go from void to issued/,
    ],
    [
      'an invoice voided by nobody',
      "UPDATE invoices SET status = 'void'; SET CONSTRAINTS ALL IMMEDIATE",
      /became void without a record/,
    ],
    [
      'a record of a void that was not done',
      "INSERT INTO invoice_status_changes (invoice_id, status, actor, reason) SELECT invoice_id, 'void', 'x', 'x' FROM invoices; SET CONSTRAINTS ALL IMMEDIATE",
      /is not void/,
    ],
    [
      'the usage of an invoice given to another draft',
      `INSERT INTO invoice_drafts (draft_id, tenant_id, period_start, owner, owner_started_at)
         VALUES ('00000000-0000-0000-0000-000000000002', 'acme', '2026-07-01', 'x', now());
       UPDATE usage_buckets SET sealed_for = '00000000-0000-0000-0000-000000000002' WHERE sealed_for IS NOT NULL`,
      /is held by invoice/,
    ],
    [
      'a void invoice that goes back to issued, also once it was replaced',
      "UPDATE invoices SET status = 'void', superseded_by = invoice_id, superseded_at = now(); UPDATE invoices SET superseded_by = NULL, superseded_at = NULL",
      /cannot go from void to void/,
    ],
    [
      'a document exported twice',
      `INSERT INTO seller_details (version, legal_name, abn, address) VALUES (1, 'S', '51824753556', '{x}');
       INSERT INTO book_exports (export_id, period_start, seller_version, actor) VALUES (1, '2026-05-01', 1, 'x'), (2, '2026-05-01', 1, 'x');
       INSERT INTO book_export_documents (invoice_id, entry, export_id) SELECT invoice_id, 'document', n FROM invoices, generate_series(1, 2) n`,
      /book_export_documents_pkey/,
    ],
    [
      'a reversal of what was not exported',
      `INSERT INTO seller_details (version, legal_name, abn, address) VALUES (1, 'S', '51824753556', '{x}');
       INSERT INTO book_exports (export_id, period_start, seller_version, actor) VALUES (1, '2026-05-01', 1, 'x');
       INSERT INTO book_export_documents (invoice_id, entry, export_id) SELECT invoice_id, 'reversal', 1 FROM invoices`,
      /book_export_documents_invoice_id_reverses_fkey/,
    ],
    ['a changed skip', 'UPDATE skipped_invoice_numbers SET last_seq = 9', /append-only/],
    ['a changed composition', "UPDATE invoice_compositions SET deployments = '[]'", /append-only/],
    ['a changed digest', "UPDATE invoice_digests SET digest = sha256('')", /append-only/],
    [
      'an event excluded twice',
      "INSERT INTO usage_exclusions (source, event_id, tenant_id, bucket_id, amount, actor, reason) SELECT 'llm', 'x', 'acme', min(bucket_id), 1, 'x', 'x' FROM usage_buckets, generate_series(1, 2) n GROUP BY n",
      /usage_exclusions_source_event_id_key/,
    ],
    ['a changed line', 'UPDATE invoice_lines SET amount_cents = 0', /append-only/],
    ['a deleted event', 'DELETE FROM llm_usage_events', /append-only/],
    [
      'usage added to a sealed bucket',
      'UPDATE usage_buckets SET total = total + 1 WHERE sealed_for IS NOT NULL',
      /is sealed/,
    ],
    [
      'a sealed bucket opened',
      'UPDATE usage_buckets SET sealed_for = NULL WHERE sealed_for IS NOT NULL',
      /is sealed/,
    ],
    [
      'an item added to a plan version',
      "INSERT INTO plan_items (plan_version_id, position, resource_kind) VALUES ('studio-v1', 9, 'x')",
      /immutable/,
    ],
    [
      'two subscriptions of a deployment at once',
      "INSERT INTO subscriptions (subscription_id, tenant_id, deployment_id, starts_at) VALUES ('s2', 'acme', 'acme-a', '2026-01-01Z')",
      /subscriptions_one_at_a_time/,
    ],
    [
      'an addon attached twice at once, unless it may be repeated',
      "INSERT INTO subscription_addons (subscription_id, position, addon_code, resource_kind, qty, price_cents, starts_at) SELECT 'sub-acme-a', n, 'more', 'gb', 1, 1, make_timestamptz(2026, n, 1, 0, 0, 0) FROM generate_series(1, 2) n",
      /subscription_addons_once_at_a_time/,
    ],
    [
      'two open buckets for the same usage',
      "INSERT INTO usage_buckets (source, tenant_id, deployment_id, resource_kind, service_month) SELECT 'llm', 'acme', 'acme-a', 'x', '2026-05-01' FROM generate_series(1, 2)",
      /usage_buckets_one_open/,
    ],
    [
      'two open drafts of a month',
      "INSERT INTO invoice_drafts (tenant_id, period_start, owner, owner_started_at) SELECT 'acme', '2026-07-01', 'x', now() FROM generate_series(1, 2)",
      /invoice_drafts_one_open/,
    ],
  ])('the database refuses %s', async (_, statements, reason) => {
    await superuser.query('BEGIN');
    try {
      await expect(superuser.query(statements)).rejects.toThrow(reason);
    } finally {
      await superuser.query('ROLLBACK');
    }
  });
});
