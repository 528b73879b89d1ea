import type { Aging, TenantBalance } from '../../db/invoices/balances.ts';
import type { PaymentView } from '../../db/invoices/payment-views.ts';
import { formatAmount, formatMoney } from '../../domain/format.ts';
import { renderTable, type Column } from './text-table.ts';

/** What is left to pay: `AUD 9.12 is left to pay.` */
export function balanceText({
  balance_cents,
  currency,
}: {
  readonly balance_cents: number;
  readonly currency: string;
}): string {
  if (balance_cents > 0) return `${formatMoney(balance_cents, currency)} is left to pay.`;
  if (balance_cents === 0) return 'It is paid in full.';
  return `It is overpaid by ${formatMoney(-balance_cents, currency)}.`;
}

/** A table of payments. */
export function renderPayments(payments: readonly PaymentView[]): string {
  return renderTable<PaymentView>(
    [
      { head: 'payment', value: (row) => row.payment_id },
      { head: 'received', value: (row) => row.received_on },
      { head: 'invoice', value: (row) => row.invoice_number },
      {
        head: 'amount',
        align: 'right',
        value: (row) => formatAmount(row.amount_cents, row.currency),
      },
      { head: 'currency', value: (row) => row.currency },
      { head: 'method', value: (row) => row.method },
      { head: 'reference', wrap: true, value: (row) => row.reference },
      { head: 'actor', value: (row) => row.actor },
    ],
    payments,
    'No payments match.',
  );
}

/** A table of what tenants owe. */
export function renderBalances(balances: readonly TenantBalance[]): string {
  return renderTable<TenantBalance>(
    [
      { head: 'tenant', value: (row) => row.tenant_id },
      { head: 'invoices', align: 'right', value: (row) => row.invoices },
      { head: 'open', align: 'right', value: (row) => row.open_invoices },
      money('invoiced', (row) => row.total_cents),
      money('notes', (row) => row.notes_cents),
      money('paid', (row) => row.paid_cents),
      money('balance', (row) => row.balance_cents),
      money('overdue', (row) => row.overdue_cents),
      { head: 'currency', value: (row) => row.currency },
    ],
    balances,
    'No tenant has an invoice.',
  );
}

/** A table of what is owed by how long it has been overdue. */
export function renderAging(rows: readonly Aging[]): string {
  return renderTable<Aging>(
    [
      { head: 'currency', value: (row) => row.currency },
      { head: 'invoices', align: 'right', value: (row) => row.invoices },
      money('not due', (row) => row.not_due_cents),
      money('1–30 days', (row) => row.days_1_30_cents),
      money('31–60 days', (row) => row.days_31_60_cents),
      money('61–90 days', (row) => row.days_61_90_cents),
      money('over 90 days', (row) => row.over_90_days_cents),
      money('overpaid', (row) => row.overpaid_cents),
      money('balance', (row) => row.balance_cents),
    ],
    rows,
    'There are no invoices.',
  );
}

function money<Row extends { readonly currency: string }>(
  head: string,
  cents: (row: Row) => string,
): Column<Row> {
  return { head, align: 'right', value: (row) => formatAmount(cents(row), row.currency) };
}
