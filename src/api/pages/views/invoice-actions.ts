import type { InvoiceHeader, InvoiceView } from '../../../db/invoices/invoice-views.ts';
import { formatMonth } from '../../../display/dates.ts';
import { formatMoney } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { balanceFacts } from './account-html.ts';
import type { ActionView, Sentence } from './action-form.ts';
import { invoicesTrail } from './document-place.ts';
import type { Link, Visitor } from './layout.ts';
import {
  invoiceActionHref,
  invoiceHref,
  newItemHref,
  reRunHref,
  tenantHref,
  type InvoiceAction,
} from './places.ts';

/** What an operator can do about an invoice, and what the pages of these actions have in common. */

/** Renders what an operator can do about an invoice now; nothing for tenants. */
export function invoiceActions({
  visitor,
  invoice,
  payments,
}: {
  readonly visitor: Visitor;
  readonly invoice: InvoiceView;
  readonly payments: readonly unknown[];
}): Markup {
  if (visitor.scope === 'tenant') return markup``;
  const links = actionsOn(invoice, payments.length > 0).map(
    ({ href, text }) => markup`<a class="button quiet" href="${href}">${text}</a>\n`,
  );
  return markup`<nav class="actions" aria-label="Actions">${links}</nav>
`;
}

function actionsOn(invoice: InvoiceView, isPaidFor: boolean): readonly Link[] {
  const { invoice_id, tenant_id, status, released_at, superseded_by } = invoice;
  const isIssued = status === 'issued';
  // By the rule of `isSettled`.
  const isSettled = isPaidFor || invoice.adjustment_notes.length > 0;
  const to = (action: InvoiceAction) => invoiceActionHref(invoice_id, action);
  return [
    isIssued && released_at === null && { href: to('release'), text: 'Release' },
    isIssued && { href: to('pay'), text: 'Record payment' },
    isIssued && { href: to('credit'), text: 'Credit a line' },
    superseded_by === null && {
      href: reRunHref(invoice.period_start.slice(0, 7), tenant_id),
      text: 'Rerun this tenant',
    },
    isIssued && !isSettled && { href: to('void'), text: 'Void' },
    { href: newItemHref(tenant_id), text: 'Add a charge or credit' },
  ].filter((link) => link !== false);
}

/** Renders what an action on an invoice is about, and where it leads back to. */
export function invoicePlace(
  invoice: InvoiceHeader,
  visitor: Visitor,
): Pick<ActionView, 'trail' | 'cancelHref' | 'intro'> {
  const { invoice_id, number, tenant_id, period_start, total_cents, currency } = invoice;
  const href = invoiceHref(visitor, invoice_id);
  const link: Link = { href, text: `Invoice ${number}` };
  return {
    trail: [...invoicesTrail(visitor, invoice), link],
    cancelHref: href,
    intro: markup`<dl class="facts">
<div><dt>Tenant</dt><dd><a href="${tenantHref(tenant_id)}">${tenant_id}</a></dd></div>
<div><dt>Period</dt><dd>${formatMonth(period_start)}</dd></div>
<div><dt>Total</dt><dd>${formatMoney(total_cents, currency)}</dd></div>
${balanceFacts(invoice)}</dl>
`,
  };
}

/** Says what an invoice's first payment or note changes for good. */
export function settlingSentence({
  number,
  period_start,
}: Pick<InvoiceHeader, 'number' | 'period_start'>): Sentence {
  return `From then on ${number} is settled: it can’t be voided, and a rerun of ${formatMonth(period_start)} issues an adjustment note instead of a revision.`;
}
