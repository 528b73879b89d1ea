import type { InvoiceHeader, InvoiceLine } from '../../db/invoices/invoice-views.ts';
import { formatAmount, groupDigits } from '../../domain/format.ts';
import { style } from './style.ts';
import { indent, renderTable, type Column } from './table.ts';

/** An invoice as the API serves it, too. */
export type PrintableInvoice = InvoiceHeader & { readonly lines: readonly InvoiceLine[] };

/** The numbers of the invoices that it is linked with; its own fields have their ids alone. */
export interface LinkedNumbers {
  readonly replaces: string | null;
  readonly supersededBy: string | null;
}

const lineColumns = (currency: string): readonly Column<InvoiceLine>[] => [
  { head: '#', align: 'right', value: (line) => line.line_no },
  { head: 'deployment', value: (line) => line.deployment_id },
  { head: 'line', wrap: true, value: (line) => describeLine(line, currency) },
  { head: 'qty', align: 'right', value: (line) => groupDigits(line.qty) },
  { head: 'unit', value: (line) => line.unit },
  { head: 'price', align: 'right', value: (line) => unitPrice(line, currency) },
  { head: 'amount', align: 'right', value: (line) => formatAmount(line.amount_cents, currency) },
];

/**
 * The whole invoice, in plain text.
 * @param numbers null: unknown, and the links are by id
 */
export function renderInvoice(
  invoice: PrintableInvoice,
  numbers: LinkedNumbers | null = null,
): string {
  const { currency } = invoice;
  return [
    `${style('bold', `Invoice ${invoice.number}`)} · ${invoice.tenant_id} · ${invoice.period_start} to ${invoice.period_end}`,
    `${invoice.status}, revision ${invoice.revision}, issued ${invoice.issued_at}, id ${invoice.invoice_id}`,
    ...linksOf(invoice, numbers),
    '',
    indent(renderTable(lineColumns(currency), invoice.lines)),
    '',
    indent(
      renderTable(
        [
          { head: '', value: ([label]: readonly [string, number]) => label },
          { head: currency, align: 'right', value: ([, cents]) => formatAmount(cents, currency) },
        ],
        [
          ['subtotal', invoice.subtotal_cents],
          ['GST', invoice.tax_cents],
          ['total', invoice.total_cents],
        ],
      ),
    ),
  ].join('\n');
}

function linksOf(invoice: InvoiceHeader, numbers: LinkedNumbers | null): string[] {
  const replaces = numbers?.replaces ?? invoice.replaces_invoice_id;
  const supersededBy = numbers?.supersededBy ?? invoice.superseded_by;
  const by = whoAndWhy(invoice);
  return [
    ...(replaces ? [`replaces ${replaces}${by && ` (${by})`}`] : []),
    ...(supersededBy ? [`superseded by ${supersededBy}`] : []),
  ];
}

/** Who asked for a revision, and why: `cli:ada: ticket 812`; empty where nobody did. */
export function whoAndWhy({ re_run }: Pick<InvoiceHeader, 're_run'>): string {
  return [re_run?.actor, re_run?.reason].filter(Boolean).join(': ');
}

/** With what it was computed from, where the amount doesn't follow from quantity and price. */
function describeLine({ description, meta }: InvoiceLine, currency: string): string {
  const exact = meta.exact_cents;
  if (typeof exact === 'string') return `${description} (exactly ${formatAmount(exact, currency)})`;
  return meta.capped === true ? `${description} (capped, used ${String(meta.used)})` : description;
}

/** A price per month is the amount itself. */
function unitPrice({ kind, unit_price_cents }: InvoiceLine, currency: string): string {
  if (unit_price_cents === null || kind === 'plan_base' || kind === 'addon') return '';
  return formatAmount(unit_price_cents, currency);
}
