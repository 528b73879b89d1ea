import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { seededRandom } from '../../dev/random.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { closed, createWorld, type World } from '../_util/world.ts';
import { invoicesOf } from '../_util/books.ts';
import {
  creditLine,
  recordItem,
  recordPayment,
  releaseMonth,
  voidInvoice,
} from '../_util/by-hand.ts';
import { violationsAtRest, type Remembered } from './invariants.ts';
import { IssuedWatch } from './issued-digest.ts';
import type { Handled } from './money-checks.ts';
import { MONTH, insertPopulation, planPopulation, type Tenant } from './population.ts';
import { eventKey } from './senders.ts';
import { createBatchMaker, type SentEvent } from './usage-batches.ts';
import { ANY_TIME } from '../_util/any-time.ts';

/**
 * Tests the checks: they pass on sound books and find each break. Only the superuser can break them, with constraints
 * and triggers disabled.
 */
let world: World;
let superuser: pg.Client;
let remembered: Remembered;
beforeAll(async () => {
  world = await createWorld({ bounds: NO_BOUNDS });
  superuser = new pg.Client({ connectionString: world.superuserUrl });
  await superuser.connect();
  const tenants = planPopulation(12, seededRandom('invariants'));
  await insertPopulation(superuser, tenants, { isReviewed: true });
  const ingestion = createIngestion({ db: world.db, now: () => new Date(), timeBounds: ANY_TIME });
  const acknowledged = new Map<string, SentEvent>();
  const post = async (batches: number, sender: string): Promise<void> => {
    for (const source of ['llm', 'metered'] as const) {
      const maker = createBatchMaker({ source, sender, tenants, random: seededRandom(sender) });
      for (let n = 0; n < batches; n += 1) {
        const batch = maker.next();
        await ingestion.ingest(
          source,
          batch.map(({ body }) => body),
        );
        for (const { event } of batch) if (event) acknowledged.set(eventKey(event), event);
      }
    }
  };

  await world.startWorker();
  await post(30, 'in-time');
  await requestMonthEnd(world.client, { month: MONTH, requestId: 'close', actor: 'test' });
  await closed(world, MONTH);
  await post(10, 'late');
  const force = { all: true } as const;
  await requestMonthEnd(world.client, {
    month: MONTH,
    requestId: 'force',
    actor: 'test',
    reason: 'usage came late',
    force,
  });
  await closed(world, MONTH);
  const handled = await handleByHand(tenants);
  await post(10, 'late-again');
  await requestMonthEnd(world.client, {
    month: MONTH,
    requestId: 'force-again',
    actor: 'test',
    reason: 'usage came late',
    force,
  });
  await closed(world, MONTH);
  await post(10, 'too-late');
  await ingestion.close();

  const issued = new IssuedWatch();
  expect(await issued.look(superuser)).toEqual([]);
  const requests = ['close', 'force', 'force-again'].map((requestId) => ({
    month: MONTH,
    requestId,
    tenantIds: [],
  }));
  remembered = { acknowledged, requests, tenants, months: [MONTH], issued, handled };
});

/** Two tenants pay, one of them gets a credit and is released; two items; one invoice is void. */
async function handleByHand(tenants: readonly Tenant[]): Promise<Handled> {
  const { db } = world;
  const sound = tenants.filter(({ kind }) => kind === 'sound').map(({ tenantId }) => tenantId);
  const [first = '', second = '', third = ''] = sound;
  const invoices = (await invoicesOf(db)).filter(({ supersededBy }) => supersededBy === null);
  const invoiceOf = (tenantId: string) => {
    const found = invoices.find((invoice) => invoice.tenantId === tenantId);
    if (!found) throw new Error(`${tenantId} has no invoice`);
    return found;
  };
  for (const tenantId of [first, second]) {
    const { number } = invoiceOf(tenantId);
    await recordPayment(db, { id: `pay ${tenantId}`, number, cents: 1000 });
  }
  const { invoiceId: documentId } = invoiceOf(first);
  await creditLine(db, { documentId, lineNo: 1, cents: 70, requestId: 'credit' });
  const item = { month: MONTH, description: 'Workshop', isTaxable: true };
  await recordItem(db, { ...item, id: 'charge', tenant: third, cents: 900 });
  await recordItem(db, { ...item, id: 'credit', tenant: third, cents: -400 });
  await releaseMonth(db, { month: MONTH, tenantIds: [first], requestId: 'release' });
  const { invoiceId: voided } = invoiceOf(sound.at(-1) ?? '');
  await voidInvoice(db, voided);
  return {
    payments: new Map(
      [first, second].map((tenantId) => [`pay ${tenantId}`, { tenantId, cents: 1000 }]),
    ),
    items: new Map(
      [['charge', 900] as const, ['credit', -400] as const].map(([id, cents]) => [
        id,
        { tenantId: third, cents, isTaxable: true, isWithdrawn: false },
      ]),
    ),
    credits: new Map([['credit', 70]]),
    voided: new Set([voided]),
    released: new Set([first]),
  };
}
afterAll(async () => {
  await superuser.end();
  await world[Symbol.asyncDispose]();
});

test('sound books', async () => {
  expect(remembered.acknowledged.size).toBeGreaterThan(500);
  expect(await violationsAtRest(superuser, remembered)).toEqual([]);
});

/** One cent up, or down where one up would change the tax, which a constraint refuses. */
const ONE_CENT = `CASE WHEN round((taxable_cents + 1) * tax_rate) = tax_cents THEN 1 ELSE -1 END`;
const A_CENT_OFF = ['subtotal_cents', 'plan_base_cents', 'taxable_cents', 'total_cents']
  .map((column) => `${column} = ${column} + ${ONE_CENT}`)
  .join(', ');
const SOME_LIVE = `(SELECT invoice_id FROM invoices
  WHERE kind = 'invoice' AND status = 'issued' AND invoice_id IN (
    SELECT invoice_id FROM invoice_lines WHERE kind = 'plan_base'
  ) ORDER BY 1 LIMIT 1)`;
const SOME_NOTE = `(SELECT invoice_id FROM invoices WHERE note_origin = 'rerun' ORDER BY 1 LIMIT 1)`;
/** A bucket that is billed on a live invoice. */
const SOME_BUCKET = `(SELECT u.bucket_id FROM invoice_usage u JOIN invoices i USING (invoice_id)
  WHERE i.status = 'issued' AND u.disposition = 'billed' ORDER BY 1 LIMIT 1)`;

test.each([
  [
    'I1',
    'a second live invoice',
    `ALTER TABLE invoices DROP CONSTRAINT invoices_check2; DROP INDEX invoices_one_live;
     UPDATE invoices SET status = 'issued', superseded_by = NULL, superseded_at = NULL
     WHERE invoice_id = (SELECT invoice_id FROM invoices WHERE status = 'superseded' LIMIT 1)`,
    'not exactly one that is live',
  ],
  [
    'I1',
    'no live invoice',
    `UPDATE invoices SET status = 'superseded', superseded_by = invoice_id, superseded_at = now()
     WHERE invoice_id = ${SOME_LIVE}`,
    'not exactly one that is live',
  ],
  [
    'I1',
    'a number that is left out',
    `UPDATE invoices SET tenant_seq = 77 WHERE invoice_id = ${SOME_LIVE}`,
    'numbers have a gap',
  ],
  [
    'I2',
    'an acknowledged event that was not committed',
    `DELETE FROM llm_usage_events WHERE gateway_request_id = 'late-1'`,
    'acknowledged and are not there: 1 (llm late-1)',
  ],
  [
    'I2',
    'an event that nobody acknowledged',
    `INSERT INTO llm_usage_events SELECT 'invented', tenant_id, deployment_id, model, occurred_at,
       service_month, charge_cents, currency, input_tokens, output_tokens, attributes, content_hash, bucket_id
     FROM llm_usage_events LIMIT 1`,
    'never acknowledged: 1 (llm invented)',
  ],
  [
    'I2',
    'an event with another amount',
    `UPDATE llm_usage_events SET charge_cents = charge_cents + 0.000000000001
     WHERE gateway_request_id = 'in-time-1'`,
    'with another amount: 1 (llm in-time-1)',
  ],
  [
    'I2',
    'usage added to a sealed bucket',
    `UPDATE usage_buckets SET total = total + 1 WHERE bucket_id = ${SOME_BUCKET}`,
    'not the sum of their events',
  ],
  [
    'I2',
    'an event in the bucket of another',
    `UPDATE metered_usage_records SET bucket_id = ${SOME_BUCKET} WHERE record_id = 'too-late-1'`,
    'bucket belongs to something else',
  ],
  [
    'I2',
    'usage left behind on a superseded invoice',
    `UPDATE usage_buckets SET sealed_for = (
       SELECT replaces_invoice_id FROM invoices WHERE invoice_id = usage_buckets.sealed_for)
     WHERE bucket_id = ${SOME_BUCKET}`,
    'held by an invoice that is not live',
  ],
  [
    'I2',
    'usage opened again, and so billed once more',
    `DROP INDEX usage_buckets_one_open;
     UPDATE usage_buckets SET sealed_for = NULL WHERE bucket_id = (
       SELECT bucket_id FROM usage_buckets WHERE source = 'llm' AND sealed_for = ${SOME_LIVE}
       LIMIT 1)`,
    'LLM usage has another sum',
  ],
  [
    'I2',
    'usage on two live invoices',
    `INSERT INTO invoice_usage SELECT
       (SELECT invoice_id FROM invoices WHERE status = 'issued' AND invoice_id <> u.invoice_id
        LIMIT 1), bucket_id, NULL, 'within_allowance'
     FROM invoice_usage u WHERE invoice_id = ${SOME_LIVE} LIMIT 1`,
    'on several live invoices',
  ],
  [
    'I2',
    'a draft that nobody builds',
    `INSERT INTO invoice_drafts (tenant_id, period_start, owner, owner_started_at)
     SELECT tenant_id, period_start, 'nobody', now() FROM invoices LIMIT 1`,
    'drafts that are open',
  ],
  [
    'I3',
    'a header that is a cent off',
    `UPDATE invoices SET ${A_CENT_OFF} WHERE invoice_id = ${SOME_LIVE}`,
    'do not add up to their header',
  ],
  [
    'I3',
    'a line that is a cent off, and the header with it',
    `UPDATE invoice_lines l SET amount_cents = amount_cents + ${ONE_CENT} FROM invoices
     WHERE invoices.invoice_id = ${SOME_LIVE} AND l.invoice_id = invoices.invoice_id AND l.kind = 'plan_base';
     UPDATE invoices SET ${A_CENT_OFF} WHERE invoice_id = ${SOME_LIVE}`,
    'not what they say it is made of',
  ],
  [
    'I4',
    'a line with another description',
    `UPDATE invoice_lines SET description = 'Plan' WHERE invoice_id = ${SOME_LIVE} AND line_no = 1`,
    'or its lines have changed',
  ],
  [
    'I4',
    'a superseded invoice that is deleted',
    `DELETE FROM invoices WHERE status = 'superseded' AND revision = 1`,
    'is gone',
  ],
  [
    'I5',
    'a parked tenant that is forgotten',
    `DELETE FROM tenant_outcomes WHERE outcome = 'parked'`,
    'not as they should be',
  ],
  [
    'I5',
    'a request that is left lying',
    `UPDATE month_end_requests SET state = 'queued', finished_at = NULL WHERE request_id = 'force'`,
    'force is queued',
  ],
  [
    'I5',
    'a forced tenant that was parked though nothing is wrong with it',
    `UPDATE month_end_request_tenants SET outcome = 'parked', reason = 'failed', invoice_id = NULL
     WHERE tenant_id = (SELECT s.tenant_id FROM invoices JOIN subscriptions s USING (tenant_id)
       WHERE s.ends_at IS NULL ORDER BY 1 LIMIT 1)`,
    'not rebuilt',
  ],
  [
    'I1',
    'a note that is left out of its series',
    `UPDATE invoices SET revision = 7 WHERE invoice_id = ${SOME_NOTE}`,
    'not a series from 1',
  ],
  [
    'I3',
    'a note that bills some usage again',
    `UPDATE invoice_lines SET qty = qty + 1 WHERE invoice_id = ${SOME_NOTE} AND kind = 'llm_usage'`,
    'LLM usage that invoice and notes together do not charge for',
  ],
  [
    'I3',
    'a note whose tax is a cent off',
    `UPDATE invoices SET tax_cents = tax_cents + 1, total_cents = total_cents + 1
     WHERE invoice_id = ${SOME_NOTE}`,
    'not taxed together with their notes',
  ],
  [
    'I6',
    'a payment that is forgotten',
    `DELETE FROM payments WHERE payment_id IN (SELECT payment_id FROM payments LIMIT 1)`,
    'payments that are not what was acknowledged: 1',
  ],
  [
    'I6',
    'a payment that is counted twice',
    `INSERT INTO payments (payment_id, tenant_id, period_start, invoice_id, amount_cents, received_on, actor)
     SELECT 'again', tenant_id, period_start, invoice_id, amount_cents, received_on, actor
     FROM payments LIMIT 1`,
    'payments that are not what was acknowledged: 1 (again)',
  ],
  [
    'I6',
    'an item that is billed twice',
    `UPDATE invoice_lines SET amount_cents = 2 * amount_cents WHERE item_id = 'charge'`,
    'items that invoices take more than once',
  ],
  [
    'I6',
    'a credit that is forgotten',
    `DELETE FROM invoices WHERE note_origin = 'credit'`,
    'credits that are not what was acknowledged: 1 (credit)',
  ],
  [
    'I6',
    'an invoice that is not void any more',
    `UPDATE invoices SET status = 'issued' WHERE status = 'void'`,
    'voided and are not void: 1',
  ],
  ['I7', 'a release that is forgotten', `DELETE FROM releases`, 'released and are not: 1'],
  [
    'I7',
    'a month that tenants see before its release',
    `DROP POLICY released ON invoices`,
    'see something else than what was released',
  ],
] as const)('%s: %s is found', async (invariant, _, breakIt, words) => {
  await superuser.query('BEGIN');
  try {
    await superuser.query('SET LOCAL session_replication_role = replica');
    await superuser.query(breakIt);
    const found = await violationsAtRest(superuser, remembered);
    expect(found).toContainEqual({ invariant, text: expect.stringContaining(words) });
  } finally {
    await superuser.query('ROLLBACK');
  }
});
