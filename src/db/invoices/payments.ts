import { z } from 'zod';
import { DomainError } from '../../domain/errors.ts';
import { sumCents } from '../../domain/cents.ts';
import type { Database, Transaction } from '../pool.ts';
import { rowsAs, sql, textArray, uuidArray } from '../sql.ts';
import { lockTenants } from '../transactions.ts';
import { tellingPaid } from '../webhooks/payment-events.ts';
import { PAYMENT_STATUSES, type PaymentStatus } from './balances.ts';

/** A payment as an operator or a bank file gives it. */
export interface NewPayment {
  readonly paymentId: string;
  /** An invoice of the month that it pays for; a superseded one stands for its successor. */
  readonly invoiceNumber: string;
  /** In the invoice's currency, not 0. Negative: a reversal or a refund. */
  readonly amountCents: number;
  /** `2026-06-12` */
  readonly receivedOn: string;
  readonly method: string | null;
  readonly reference: string | null;
}

/** What became of a payment, and the invoice that it counts for as all payments of the call leave it. */
export type PaymentResult =
  | {
      readonly status: 'recorded' | 'duplicate';
      readonly invoiceNumber: string;
      readonly currency: string;
      readonly balanceCents: number;
      readonly paymentStatus: PaymentStatus;
    }
  | { readonly status: 'conflict'; readonly reason: string }
  | {
      readonly status: 'rejected';
      /** The field that is wrong. */
      readonly field: 'invoice_number' | 'amount_cents' | 'received_on';
      readonly reason: string;
    };

export interface RecordOptions {
  readonly actor: string;
  /** Returns the same results and records nothing. */
  readonly dryRun?: boolean;
}

/**
 * Records payments, each on its own: a bad one doesn't affect the others (docs/spec.md#due-dates-and-payments). The same
 * id with the same content is a duplicate, with other content a conflict. Writes `invoice.paid` for each invoice that
 * they pay in full, in the same transaction.
 *
 * Holds the tenants' locks and those of the live invoices, so each payment is before or after any revision, note
 * or void of its invoice, never between.
 * @returns a result per payment, in order
 */
export async function recordPayments(
  db: Database,
  payments: readonly NewPayment[],
  options: RecordOptions,
): Promise<readonly PaymentResult[]> {
  if (payments.length === 0) return [];
  for (;;) {
    try {
      return await db.transaction((tx) => record(tx, payments, options));
    } catch (error) {
      if (error instanceof RolledBack) return error.results;
      if (!(error instanceof RacedError)) throw error;
    }
  }
}

/** Another transaction stored one of the ids. The next attempt finds it. */
class RacedError extends Error {
  override readonly name = 'RacedError';
}

/** Ends a dry run. */
class RolledBack extends Error {
  override readonly name = 'RolledBack';
  readonly results: readonly PaymentResult[];
  constructor(results: readonly PaymentResult[]) {
    super('dry run');
    this.results = results;
  }
}

async function record(
  tx: Transaction,
  payments: readonly NewPayment[],
  { actor, dryRun = false }: RecordOptions,
): Promise<readonly PaymentResult[]> {
  const named = await readNamed(tx, payments);
  await lockTenants(tx, [...new Set([...named.values()].map(({ tenantId }) => tenantId))]);
  const standing = await lockStanding(tx, [...named.values()]);
  const known = await readStored(tx, payments);
  const paid = new Map([...standing.values()].map((one) => [one.invoiceId, one.paidCents]));

  const latest = await readLatestDate(tx);
  const judged = payments.map((payment): Judgement => {
    const invoice = named.get(payment.invoiceNumber);
    const counts = invoice && standing.get(monthOf(invoice));
    const earlier = known.get(payment.paymentId);
    if (earlier !== undefined) {
      const isSame = invoice !== undefined && contentOf(payment, invoice) === earlier;
      if (isSame && counts !== undefined) return { status: 'duplicate', counts };
      const reason = `the id ${payment.paymentId} was already used for another payment`;
      return { status: 'conflict', reason };
    }
    if (invoice === undefined || counts === undefined) {
      return rejected('invoice_number', `there is no invoice ${payment.invoiceNumber}`);
    }
    const refusal =
      whyNot(payment, invoice, counts, latest) ?? addTo(paid, counts, payment.amountCents);
    if (refusal !== null) return refusal;
    known.set(payment.paymentId, contentOf(payment, invoice));
    return { status: 'recorded', counts, row: { ...payment, ...invoice } };
  });

  await insertPayments(
    tx,
    judged.flatMap((one) => ('row' in one ? one.row : [])),
    actor,
  );
  const results = await toResults(tx, judged);
  if (dryRun) throw new RolledBack(results);
  return results;
}

type Judgement =
  | Extract<PaymentResult, { reason: string }>
  | { readonly status: 'duplicate'; readonly counts: Standing }
  | {
      readonly status: 'recorded';
      readonly counts: Standing;
      readonly row: NewPayment & NamedInvoice;
    };

type Rejected = Extract<PaymentResult, { status: 'rejected' }>;

function rejected(field: Rejected['field'], reason: string): Rejected {
  return { status: 'rejected', field, reason };
}

const namedInvoice = z.object({
  number: z.string(),
  invoiceId: z.string(),
  tenantId: z.string(),
  periodStart: z.string(),
  /** Of an adjustment note: the invoice that it adjusts. */
  adjusts: z.string().nullable(),
});
type NamedInvoice = z.infer<typeof namedInvoice>;

async function readNamed(
  tx: Transaction,
  payments: readonly NewPayment[],
): Promise<ReadonlyMap<string, NamedInvoice>> {
  const numbers = [...new Set(payments.map(({ invoiceNumber }) => invoiceNumber))];
  const found = await tx.any(sql.type(namedInvoice)`
    SELECT i.number, i.invoice_id AS "invoiceId", i.tenant_id AS "tenantId",
      i.period_start AS "periodStart", adjusted.number AS adjusts
    FROM invoices i LEFT JOIN invoices adjusted ON adjusted.invoice_id = i.adjusts_invoice_id
    WHERE i.number = ANY(${textArray(numbers)})
  `);
  return new Map(found.map((invoice) => [invoice.number, invoice]));
}

const standingInvoice = z.object({
  invoiceId: z.string(),
  tenantId: z.string(),
  periodStart: z.string(),
  number: z.string(),
  currency: z.string(),
  status: z.enum(['issued', 'void']),
  totalCents: z.number(),
  notesCents: z.number(),
  paidCents: z.number(),
});
type Standing = z.infer<typeof standingInvoice>;

function monthOf({
  tenantId,
  periodStart,
}: Pick<NamedInvoice, 'tenantId' | 'periodStart'>): string {
  return `${tenantId} ${periodStart}`;
}

/** Locks the live invoices of the months of these, and returns them by tenant and month with what is paid. */
async function lockStanding(
  tx: Transaction,
  named: readonly NamedInvoice[],
): Promise<ReadonlyMap<string, Standing>> {
  const locked = await tx.anyFirst(sql.type(z.object({ invoiceId: z.string() }))`
    SELECT i.invoice_id AS "invoiceId" FROM invoices i
    WHERE (i.tenant_id, i.period_start) IN (
        SELECT n.tenant_id, n.period_start FROM invoices n
        WHERE n.invoice_id = ANY(${uuidArray(named.map(({ invoiceId }) => invoiceId))})
      ) AND i.kind = 'invoice' AND i.superseded_by IS NULL
    ORDER BY i.invoice_id FOR UPDATE
  `);
  // A separate statement, so that it sees what was committed while the locks were awaited.
  const found = await tx.any(sql.type(standingInvoice)`
    SELECT b.invoice_id AS "invoiceId", b.tenant_id AS "tenantId", b.period_start AS "periodStart",
      i.number, b.currency, b.status, b.total_cents AS "totalCents", b.notes_cents AS "notesCents",
      b.paid_cents AS "paidCents"
    FROM invoice_balances b JOIN invoices i USING (invoice_id)
    WHERE b.invoice_id = ANY(${uuidArray(locked)})
  `);
  return new Map(found.map((invoice) => [monthOf(invoice), invoice]));
}

/** The content of stored payments with these ids, as `contentOf` returns it. */
async function readStored(
  tx: Transaction,
  payments: readonly NewPayment[],
): Promise<Map<string, string>> {
  const stored = z.object({
    paymentId: z.string(),
    tenantId: z.string(),
    periodStart: z.string(),
    amountCents: z.number(),
    receivedOn: z.string(),
    method: z.string().nullable(),
    reference: z.string().nullable(),
  });
  const found = await tx.any(sql.type(stored)`
    SELECT payment_id AS "paymentId", tenant_id AS "tenantId", period_start AS "periodStart",
      amount_cents AS "amountCents", received_on AS "receivedOn", method, reference
    FROM payments WHERE payment_id = ANY(${textArray(payments.map(({ paymentId }) => paymentId))})
  `);
  return new Map(found.map((payment) => [payment.paymentId, contentOf(payment, payment)]));
}

/** What a payment means: which month of a tenant it pays, whichever revision it names, and all else it says. */
function contentOf(
  payment: Pick<NewPayment, 'amountCents' | 'receivedOn' | 'method' | 'reference'>,
  { tenantId, periodStart }: Pick<NamedInvoice, 'tenantId' | 'periodStart'>,
): string {
  const { amountCents, receivedOn, method, reference } = payment;
  return JSON.stringify([tenantId, periodStart, amountCents, receivedOn, method, reference]);
}

function whyNot(
  { invoiceNumber, receivedOn }: NewPayment,
  { adjusts }: NamedInvoice,
  counts: Standing,
  latest: string,
): Rejected | null {
  if (adjusts !== null) {
    const advice = `name the invoice that it adjusts, ${adjusts}`;
    return rejected('invoice_number', `${invoiceNumber} is an adjustment note: ${advice}`);
  }
  if (counts.status === 'void') {
    const reason = `invoice ${counts.number} is void, and no revision has replaced it`;
    return rejected('invoice_number', reason);
  }
  if (receivedOn > latest) return rejected('received_on', `${receivedOn} is in the future`);
  return null;
}

/** Adds an amount to what is paid of the invoice, unless a sum would be beyond the amounts that can be billed. */
function addTo(paid: Map<string, number>, counts: Standing, amountCents: number): Rejected | null {
  const { invoiceId, totalCents, notesCents } = counts;
  try {
    const sum = sumCents([paid.get(invoiceId) ?? 0, amountCents], 'What is paid');
    sumCents([totalCents, notesCents, -sum], 'The balance');
    paid.set(invoiceId, sum);
    return null;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return rejected('amount_cents', error.message);
  }
}

/** A bank may be a day ahead of the billing time zone. */
function readLatestDate(tx: Transaction): Promise<string> {
  return tx.oneFirst(sql.type(z.object({ latest: z.string() }))`
    SELECT billing_date(now()) + 1 AS latest
  `);
}

const PAYMENT = {
  paymentId: 'text',
  tenantId: 'text',
  periodStart: 'text',
  invoiceId: 'uuid',
  amountCents: 'int8',
  receivedOn: 'text',
  method: 'text',
  reference: 'text',
} as const;

/** @throws RacedError if one of the ids was stored concurrently */
async function insertPayments(
  tx: Transaction,
  rows: readonly (NewPayment & NamedInvoice)[],
  actor: string,
): Promise<void> {
  if (rows.length === 0) return;
  // In the order of the ids, so that two transactions that wait for each other's ids can't deadlock.
  const { rowCount } = await tx.query(sql.typeAlias('nothing')`
    INSERT INTO payments (payment_id, tenant_id, period_start, invoice_id, amount_cents, received_on,
      method, reference, actor)
    SELECT "paymentId", "tenantId", "periodStart"::date, "invoiceId", "amountCents", "receivedOn"::date,
      method, reference, ${actor}
    FROM ${rowsAs('p', PAYMENT, rows)} ORDER BY 1
    ON CONFLICT (payment_id) DO NOTHING
  `);
  if (rowCount !== rows.length) throw new RacedError('a payment id was stored concurrently');
  const changes = rowsAs('c', { paymentId: 'text' }, rows);
  // Later than the insert, because a statement doesn't see its own rows.
  await tx.query(sql.typeAlias('nothing')`
    WITH ${tellingPaid(sql.fragment`
      SELECT b.invoice_id, -sum(p.amount_cents) AS cents
      FROM ${changes} JOIN payments p ON p.payment_id = c."paymentId"
      JOIN invoice_balances b ON b.tenant_id = p.tenant_id AND b.period_start = p.period_start
      GROUP BY 1`)}
    SELECT
  `);
}

const balance = z.object({
  invoiceId: z.string(),
  balanceCents: z.number(),
  paymentStatus: z.enum(PAYMENT_STATUSES),
});

async function toResults(
  tx: Transaction,
  judged: readonly Judgement[],
): Promise<readonly PaymentResult[]> {
  const ids = judged.flatMap((one) => ('counts' in one ? one.counts.invoiceId : []));
  const found = await tx.any(sql.type(balance)`
    SELECT invoice_id AS "invoiceId", balance_cents AS "balanceCents", payment_status AS "paymentStatus"
    FROM invoice_balances WHERE invoice_id = ANY(${uuidArray([...new Set(ids)])})
  `);
  const balances = new Map(found.map((one) => [one.invoiceId, one]));
  return judged.map((one) => {
    if (!('counts' in one)) return one;
    const { invoiceId, number: invoiceNumber, currency } = one.counts;
    const after = balances.get(invoiceId);
    if (after === undefined) throw new Error(`invoice ${invoiceNumber} has no balance`);
    const { balanceCents, paymentStatus } = after;
    return { status: one.status, invoiceNumber, currency, balanceCents, paymentStatus };
  });
}
