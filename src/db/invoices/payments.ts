import { DomainError } from '../../domain/errors.ts';
import { sumCents } from '../../domain/cents.ts';
import type { Database, Transaction } from '../pool.ts';
import { lockTenants } from '../transactions.ts';
import type { PaymentStatus } from './balances.ts';
import {
  contentOf,
  insertPayments,
  lockStanding,
  monthOf,
  RacedError,
  readBalances,
  readLatestDate,
  readNamed,
  readStored,
  type NamedDocument,
  type NewPayment,
  type Standing,
} from './payment-rows.ts';

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
      readonly row: NewPayment & NamedDocument;
    };

type Rejected = Extract<PaymentResult, { status: 'rejected' }>;

function rejected(field: Rejected['field'], reason: string): Rejected {
  return { status: 'rejected', field, reason };
}

function whyNot(
  { invoiceNumber, receivedOn }: NewPayment,
  { adjusts }: NamedDocument,
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

async function toResults(
  tx: Transaction,
  judged: readonly Judgement[],
): Promise<readonly PaymentResult[]> {
  const ids = judged.flatMap((one) => ('counts' in one ? one.counts.invoiceId : []));
  const balances = await readBalances(tx, [...new Set(ids)]);
  return judged.map((one) => {
    if (!('counts' in one)) return one;
    const { invoiceId, number: invoiceNumber, currency } = one.counts;
    const after = balances.get(invoiceId);
    if (after === undefined) throw new Error(`invoice ${invoiceNumber} has no balance`);
    const { balanceCents, paymentStatus } = after;
    return { status: one.status, invoiceNumber, currency, balanceCents, paymentStatus };
  });
}
