import { MAX_BATCH } from '../../contracts/batch.ts';
import { findNamedInvoices, type NamedInvoice } from '../../db/invoices/invoice-names.ts';
import type { NewPayment } from '../../db/invoices/payment-rows.ts';
import { recordPayments } from '../../db/invoices/payments.ts';
import type { Database } from '../../db/pool.ts';
import { sumCents } from '../../domain/cents.ts';
import { parseSignedAmount } from '../../domain/format.ts';
import { paymentFields, toNewPayment } from '../../catalogue/payment-fields.ts';
import { explainIssue } from '../../lib/explain-issue.ts';
import type { BadRow, BankRow } from './bank-file.ts';

export interface ImportResult {
  readonly counts: { readonly recorded: number; readonly duplicate: number };
  /** The payments that were recorded now. */
  readonly recorded: readonly {
    readonly currency: string;
    readonly payments: number;
    readonly amountCents: number;
  }[];
  /** Rows that were not recorded, in the order of the file. */
  readonly problems: readonly BadRow[];
}

export interface ImportOptions {
  readonly actor: string;
  readonly method: string | null;
  readonly dryRun: boolean;
}

/**
 * Finds the invoice of each row, by its number or within its reference, and records the payments. A row whose invoice
 * can't be told is reported, and doesn't affect the others.
 */
export async function importPayments(
  db: Database,
  rows: readonly BankRow[],
  { actor, method, dryRun }: ImportOptions,
): Promise<ImportResult> {
  const names = await findNamedInvoices(
    db,
    rows.map(({ invoiceNumber, reference }) => invoiceNumber ?? reference ?? ''),
  );
  const matched: { readonly line: number; readonly currency: string; payment: NewPayment }[] = [];
  const problems: BadRow[] = [];
  rows.forEach((row, index) => {
    const match = toPayment(row, names[index] ?? [], method);
    if ('reason' in match) problems.push({ line: row.line, reason: match.reason });
    else matched.push({ line: row.line, ...match });
  });

  const counts = { recorded: 0, duplicate: 0 };
  const amounts = new Map<string, number[]>();
  // A dry run is one transaction, so that it also finds ids that the file has twice.
  const size = dryRun ? matched.length : MAX_BATCH;
  for (let start = 0; start < matched.length; start += size) {
    const batch = matched.slice(start, start + size);
    const payments = batch.map(({ payment }) => payment);
    const results = await recordPayments(db, payments, { actor, dryRun });
    results.forEach((result, index) => {
      const { line = 0, currency = '', payment } = batch[index] ?? {};
      if (result.status === 'conflict' || result.status === 'rejected') {
        problems.push({ line, reason: result.reason });
        return;
      }
      counts[result.status] += 1;
      if (result.status === 'duplicate' || payment === undefined) return;
      amounts.set(currency, [...(amounts.get(currency) ?? []), payment.amountCents]);
    });
  }
  return {
    counts,
    recorded: [...amounts].sort().map(([currency, cents]) => ({
      ...{ currency, payments: cents.length, amountCents: sumCents(cents) },
    })),
    problems: problems.sort((a, b) => a.line - b.line),
  };
}

type Match = { readonly currency: string; readonly payment: NewPayment } | { reason: string };

/** Longer references are cut: they are notes for people. */
const MAX_REFERENCE = 500;

function toPayment(row: BankRow, found: readonly NamedInvoice[], method: string | null): Match {
  // If the case tells them apart, it decides.
  const text = row.invoiceNumber ?? row.reference ?? '';
  const exact = found.filter(({ number }) => text.includes(number));
  const names = exact.length > 0 ? exact : found;
  const [invoice] = names;
  if (invoice === undefined) return { reason: sayUnmatched(row) };
  const months = new Set(names.map(({ tenantId, periodStart }) => `${tenantId} ${periodStart}`));
  if (months.size > 1) {
    const numbers = names.map(({ number }) => number).join(', ');
    return { reason: `it names several invoices: ${numbers}` };
  }
  const { number, currency } = invoice;
  const amountCents = parseSignedAmount(row.amount, currency);
  if (amountCents === null) return { reason: `${row.amount} is not an amount in ${currency}` };
  const reference = row.reference?.replaceAll(/\p{Cc}+/gu, ' ').slice(0, MAX_REFERENCE);
  const parsed = paymentFields.safeParse(
    {
      payment_id: row.paymentId,
      invoice_number: number,
      amount_cents: amountCents,
      received_on: row.receivedOn,
      ...(method !== null && { method }),
      ...(reference?.trim() && { reference }),
    },
    { error: explainIssue },
  );
  if (parsed.success) return { currency, payment: toNewPayment(parsed.data) };
  const [issue] = parsed.error.issues;
  return { reason: `${String(issue?.path[0])}: ${issue?.message}` };
}

function sayUnmatched({ invoiceNumber, reference }: BankRow): string {
  if (invoiceNumber !== null) return `there is no invoice ${invoiceNumber}`;
  if (reference === null) return 'it names no invoice';
  return `its reference names no invoice: ${JSON.stringify(reference.slice(0, 100))}`;
}
