import type { PrintableInvoice } from '../src/cli/render/invoice-text.ts';
import { renderTable } from '../src/cli/render/text-table.ts';
import { plainLineText } from '../src/display/line-text.ts';
import { formatAmount, formatMoney } from '../src/domain/format.ts';
import type { Period } from '../src/domain/period.ts';
import type { TaxedQuoteJson } from '../src/domain/quote-tax.ts';
import { DemoError, expectEqual } from './demo-checks.ts';
import type { OperatorApi } from './operator-api.ts';

/** The tenant that started on the 20th; `demo/subscriptions.json` has its subscription. */
export const STARTED_TENANT = 'banksia-bakery';
const STARTED_ON = 20;
const STARTED_PLAN = { plan_code: 'studio', addons: ['storage_50gb'] };

/** Base prices of the plans, in cents. */
const STUDIO = 5000;
const SCALE = 24_900;

interface RealMonthTenant {
  readonly what: string;
  /** Recurring and overage lines as they must be: kind and cents. */
  readonly linesIn: (daysInMonth: number) => readonly string[];
}

/** Tenants whose month isn't like any other, in the order of their names. */
const TENANTS: Readonly<Record<string, RealMonthTenant>> = {
  [STARTED_TENANT]: {
    what: 'started on the 20th',
    linesIn: (days) => {
      const billed = days - STARTED_ON + 1;
      return [`plan_base ${share(STUDIO, billed, days)}`, `addon ${share(750, billed, days)}`];
    },
  },
  'coral-coast': {
    what: 'left on the 12th: a closing invoice for 11 days',
    // 3,000,000 tokens and 80 GB, of which 11 days of the allowances are included.
    linesIn: (days) => [
      `plan_base ${share(STUDIO, 11, days)}`,
      `addon ${share(400, 11, days)}`,
      `overage ${Math.round((3_000_000 - (6_000_000 * 11) / days) / 1000)}`,
      `overage ${Math.round((80 - (100 * 11) / days) * 2)}`,
    ],
  },
  'daintree-data': {
    what: 'changed from studio to scale on the 16th',
    // 1,700 hours; what the two plans include adds up by their days.
    linesIn: (days) => [
      `plan_base ${share(STUDIO, 15, days)}`,
      `plan_base ${share(SCALE, days - 15, days)}`,
      `overage ${Math.round((1700 - (744 * 15 + 2232 * (days - 15)) / days) * 2)}`,
    ],
  },
  'echidna-ai': {
    what: 'pays 0.0425 cents per 1,000 tokens',
    // 3,500 thousand tokens over the allowance cost 148.75 cents.
    linesIn: () => ['plan_base 2000', 'overage 149'],
  },
  'kauri-systems': {
    what: 'is in New Zealand: GST-free',
    linesIn: () => [`plan_base ${STUDIO}`, 'overage 250'],
  },
};

/** Returns cents × days ÷ days of the month, rounded half up. */
function share(cents: number, days: number, daysInMonth: number): number {
  return Math.floor((2 * cents * days + daysInMonth) / (2 * daysInMonth));
}

/** Asks the API what a plan costs that starts on the 20th. */
export function quoteFirstMonth(api: OperatorApi, { month }: Period): Promise<TaxedQuoteJson> {
  return api.quote({
    ...STARTED_PLAN,
    starts_on: `${month}-${STARTED_ON}`,
    tenant_id: STARTED_TENANT,
  });
}

/** Describes the quote in a sentence. */
export function renderQuote({ currency, first_invoice, total_cents, tax }: TaxedQuoteJson): string {
  const { plan_code, addons } = STARTED_PLAN;
  return (
    `${plan_code} with ${addons.join(', ')} from ${first_invoice.period_start}: ` +
    `${formatMoney(first_invoice.total_cents, currency)} in the first month, ` +
    `then ${formatMoney(total_cents, currency)} a month, ${tax.label} included`
  );
}

/** Checks the invoices of the tenants whose month isn't like any other. @throws DemoError */
export function checkRealMonth(
  { periodEnd }: Period,
  invoices: ReadonlyMap<string, PrintableInvoice>,
  quote: TaxedQuoteJson,
): void {
  const days = Number(periodEnd.slice(-2));
  for (const [tenantId, { linesIn }] of Object.entries(TENANTS)) {
    const { lines } = invoiceOf(tenantId, invoices);
    const charged = lines.filter(({ kind }) => kind !== 'tax' && kind !== 'llm_usage');
    expectEqual(`Lines of ${tenantId}`, amountsOf(charged).join(', '), linesIn(days).join(', '));
  }
  const gstFree = invoiceOf('kauri-systems', invoices);
  expectEqual('GST of kauri-systems', gstFree.tax_cents, 0);
  expectEqual('Total of kauri-systems', gstFree.total_cents, gstFree.subtotal_cents);

  const { lines, tax_cents, total_cents } = invoiceOf(STARTED_TENANT, invoices);
  const billed = amountsOf(lines.filter(({ kind }) => kind !== 'tax')).join(', ');
  expectEqual('The invoice and the quote', billed, amountsOf(quote.first_invoice.lines).join(', '));
  expectEqual('GST of invoice and quote', tax_cents, quote.first_invoice.tax_cents);
  expectEqual('Total of invoice and quote', total_cents, quote.first_invoice.total_cents);
}

function amountsOf(lines: readonly { readonly kind: string; readonly amount_cents: number }[]) {
  return lines.map(({ kind, amount_cents }) => `${kind} ${amount_cents}`);
}

function invoiceOf(
  tenantId: string,
  invoices: ReadonlyMap<string, PrintableInvoice>,
): PrintableInvoice {
  const invoice = invoices.get(tenantId);
  if (invoice === undefined) throw new DemoError(`${tenantId} has no invoice`);
  return invoice;
}

/** Renders these tenants with their invoices, and a quote beside the invoice that it announced. */
export function renderRealMonth(
  invoices: ReadonlyMap<string, PrintableInvoice>,
  quote: TaxedQuoteJson,
): string {
  const rows = Object.entries(TENANTS).flatMap(([tenantId, { what }]) => {
    const invoice = invoices.get(tenantId);
    return invoice === undefined ? [] : [{ what, invoice }];
  });
  return `${renderTable(
    [
      { head: 'invoice', value: ({ invoice }) => invoice.number },
      { head: 'the tenant', value: ({ what }) => what },
      ...amountColumns(({ invoice }: (typeof rows)[number]) => invoice),
    ],
    rows,
  )}\n\n${compareQuote(quote, invoices.get(STARTED_TENANT))}`;
}

function amountColumns<Row>(invoiceOfRow: (row: Row) => PrintableInvoice) {
  const amount = (column: 'subtotal_cents' | 'tax_cents' | 'total_cents') => (row: Row) => {
    const invoice = invoiceOfRow(row);
    return formatAmount(invoice[column], invoice.currency);
  };
  return [
    { head: 'subtotal', align: 'right', value: amount('subtotal_cents') },
    { head: 'GST', align: 'right', value: amount('tax_cents') },
    { head: 'total', align: 'right', value: amount('total_cents') },
  ] as const;
}

function compareQuote(
  { currency, first_invoice: quoted }: TaxedQuoteJson,
  invoice: PrintableInvoice | undefined,
): string {
  if (invoice === undefined) return '';
  const billed = invoice.lines.filter(({ kind }) => kind !== 'tax');
  const rows = [
    ...billed.map((line, index) => {
      const { name, details } = plainLineText(line, currency);
      return {
        // The first detail has the dates that are billed.
        name: [name, ...details.slice(0, 1)].join(', '),
        quote: quoted.lines[index]?.amount_cents,
        invoice: line.amount_cents,
      };
    }),
    { name: 'GST', quote: quoted.tax_cents, invoice: invoice.tax_cents },
    { name: 'total', quote: quoted.total_cents, invoice: invoice.total_cents },
  ];
  const amount = (cents: number | undefined) =>
    cents === undefined ? '' : formatAmount(cents, currency);
  return renderTable(
    [
      { head: STARTED_TENANT, value: ({ name }) => name },
      { head: 'quote', align: 'right', value: (row) => amount(row.quote) },
      { head: 'invoice', align: 'right', value: (row) => amount(row.invoice) },
    ],
    rows,
  );
}
