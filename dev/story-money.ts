import { join } from 'node:path';
import { renderTable } from '../src/cli/render/text-table.ts';
import { createUsageClient } from '../src/client/gateway/usage-client.ts';
import type { InvoiceHeader } from '../src/db/invoices/invoice-views.ts';
import { formatAmount, formatMoney } from '../src/domain/format.ts';
import { writePrivateFile } from '../src/lib/private-files.ts';
import { DemoError, expectEqual } from './demo-checks.ts';
import { runCli } from './run-cli.ts';
import { addUp, addUpXero, centsOf, readTables } from './story-books.ts';
import { llmCents, taxCents, taxRateOf } from './story-figures.ts';
import { CURRENCY, PAID_TENANT, PARTLY_PAID_TENANT, type Story, type Told } from './story-world.ts';

/** A released month: paid, adjusted, exported and verified. */

/** Imports the payments of two tenants. */
export async function importPayments(story: Story): Promise<Told> {
  const { month, env, folder, signal } = story.start;
  const paid = story.figures(PAID_TENANT).total;
  const part = Math.floor(story.figures(PARTLY_PAID_TENANT).total / 2);
  const [first, second] = [
    await story.invoiceOf(PAID_TENANT),
    await story.invoiceOf(PARTLY_PAID_TENANT),
  ];
  const file = join(folder, 'bank.csv');
  const rows = [
    ['date', 'amount', 'reference'],
    [first.issued_on, formatAmount(paid, CURRENCY), first.number],
    [second.issued_on, formatAmount(part, CURRENCY), `first half of ${second.number}`],
    [second.issued_on, '12.00', 'Rates notice'],
  ];
  await writePrivateFile(file, rows.map((row) => row.map((cell) => `"${cell}"`).join()).join('\n'));
  // 3: rows that match no invoice.
  const { json } = await runCli(['payments', 'import', file], env, { signal, codes: [3] });
  const { counts } = json as { readonly counts: Readonly<Record<string, number>> };
  expectEqual('Recorded payments', counts.recorded, 2);
  expectEqual('Rows that match no invoice', counts.not_recorded, 1);
  story.paid = new Map([
    [PAID_TENANT, paid],
    [PARTLY_PAID_TENANT, part],
  ]);
  const invoices = await story.checkInvoices();
  const payers = invoices.filter(({ tenant_id }) => story.paid.has(tenant_id));
  expectEqual(
    'Payment status',
    payers.map((each) => each.payment_status).join(),
    'paid,partly_paid',
  );
  return {
    text: [
      `Two rows match an invoice of ${month} by the number in their reference; the third is listed as unmatched.`,
      renderBalances(payers),
    ].join('\n'),
  };
}

/** Sends usage of a month that is paid, and has it billed. */
export async function adjustPaidInvoice(story: Story): Promise<Told> {
  const { month, files, env, lateEvent, signal } = story.start;
  const before = story.figures(PAID_TENANT);
  const old = await story.invoiceOf(PAID_TENANT);
  const gateway = createUsageClient({ apiUrl: env.API_URL, apiKey: env.GATEWAY_API_KEY, signal });
  await gateway.postOne('llm', lateEvent);
  await story.operator.force(month, PAID_TENANT, { reason: 'usage came late' });
  story.usage = { ...story.usage, events: [...story.usage.events, lateEvent] };
  const after = story.figures(PAID_TENANT);
  const rate = taxRateOf(files, PAID_TENANT);
  const own = story.usage.events.filter(({ tenant_id }) => tenant_id === PAID_TENANT);
  const subtotal = llmCents(own) - llmCents(own.filter((event) => event !== lateEvent));
  const tax = taxCents(after.subtotal, rate) - before.tax;
  story.note = { subtotal, tax, total: subtotal + tax };

  const standing = await story.invoiceOf(PAID_TENANT);
  expectEqual('The paid invoice', standing.invoice_id, old.invoice_id);
  expectEqual('Its total', standing.total_cents, before.total);
  const [header] = await story.operator.notesOf(old.invoice_id);
  if (!header) throw new DemoError(`${old.number} has no adjustment note`);
  const note = await story.operator.note(header.adjustment_note_id);
  expectEqual('What the note adjusts', note.adjusts_number, old.number);
  expectEqual(
    'Lines of the note',
    note.lines.map((line) => line.amount_cents).join(),
    `${subtotal},${tax}`,
  );
  expectEqual('Subtotal of the note', note.subtotal_cents, subtotal);
  expectEqual('GST of the note', note.tax_cents, tax);
  expectEqual('Total of the note', note.total_cents, story.note.total);
  expectEqual('Invoice and note together', old.total_cents + note.total_cents, after.total);
  expectEqual('Balance', standing.balance_cents, story.note.total);
  return {
    text: [
      `A paid invoice never changes: the rerun issues the difference as adjustment note ${note.number}.`,
      renderTable(
        [
          { head: 'document', value: ([name]) => name },
          ...(['subtotal', 'GST', 'total'] as const).map((head, index) => ({
            head,
            align: 'right' as const,
            value: (row: readonly [string, ...number[]]) =>
              formatAmount(Number(row[index + 1]), CURRENCY),
          })),
        ],
        [
          [old.number, before.subtotal, before.tax, before.total],
          [note.number, subtotal, tax, story.note.total],
          ['together, as if billed at once', after.subtotal, after.tax, after.total],
        ] as readonly (readonly [string, ...number[]])[],
      ),
      `${PAID_TENANT} now owes ${formatMoney(story.note.total, CURRENCY)}.`,
    ].join('\n'),
  };
}

/** Exports the month, and adds up what the files say. */
export async function exportMonth(story: Story): Promise<Told> {
  const { month, env, folder, tenantIds, signal } = story.start;
  const target = join(folder, `invoices-${month}`);
  await runCli(['month-end', 'export', month, '--out', target, '--formats', 'csv,xero'], env, {
    signal,
  });
  const billed = story.total();
  const note = story.note;
  const invoices = addUp(readTables(target, /^summary-/));
  expectEqual('Invoices in the summary', invoices.documents, tenantIds.length);
  expectEqual('Subtotals in the summary', invoices.subtotal, billed.subtotal - note.subtotal);
  expectEqual('GST in the summary', invoices.tax, billed.tax - note.tax);
  expectEqual('Total of the summary', invoices.total, billed.total - note.total);
  const notes = addUp(readTables(target, /^adjustment-notes-/));
  expectEqual('Adjustment notes', notes.documents, 1);
  expectEqual('Total of the adjustment notes', notes.total, note.total);
  const xero = addUpXero(readTables(target, /^xero-.*-of-\d+\.csv$/));
  const totals = readTables(target, /^xero-.*-totals\.csv$/);
  const rounding = totals.reduce((sum, row) => sum + centsOf(row.rounding_row ?? ''), 0);
  expectEqual('Documents for Xero', xero.numbers.length, tenantIds.length + 1);
  expectEqual('Amounts for Xero', xero.amount - rounding, billed.subtotal);
  return {
    text: [
      `Files in ${target}, read back and added up:`,
      renderTable(
        [
          { head: 'file', value: ([name]) => name },
          { head: 'documents', align: 'right', value: ([, count]) => count },
          { head: 'total', align: 'right', value: ([, , cents]) => formatAmount(cents, CURRENCY) },
        ],
        [
          [`summary-${month}.csv`, invoices.documents, invoices.total],
          [`adjustment-notes-${month}.csv`, notes.documents, notes.total],
          ['xero-… (without GST, which Xero adds)', xero.numbers.length, xero.amount],
        ] as readonly (readonly [string, number, number])[],
      ),
    ].join('\n'),
  };
}

/** Has the product verify the month. */
export async function verifyMonth(story: Story): Promise<Told> {
  const { month, env, signal } = story.start;
  const { json } = await runCli(['month-end', 'verify', month], env, { signal });
  const { checks } = json as { readonly checks: readonly { readonly problems: number }[] };
  return {
    text: `Every line of every invoice and note is recomputed from stored usage: ${checks.length} checks, no problem.`,
  };
}

function renderBalances(invoices: readonly InvoiceHeader[]): string {
  const amount = (cents: number | null) => formatAmount(cents ?? 0, CURRENCY);
  return renderTable(
    [
      { head: 'invoice', value: ({ number }) => number },
      { head: 'payment', value: ({ payment_status }) => payment_status },
      { head: 'total', align: 'right', value: ({ total_cents }) => amount(total_cents) },
      { head: 'paid', align: 'right', value: ({ paid_cents }) => amount(paid_cents) },
      { head: 'owed', align: 'right', value: ({ balance_cents }) => amount(balance_cents) },
    ],
    invoices,
  );
}
