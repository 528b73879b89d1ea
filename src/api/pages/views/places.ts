import { formatMonth } from '../../../display/dates.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { rootOf, type Link, type Visitor } from './layout.ts';

/** Paths of the pages that other pages link to. */

/** Returns the path of a month's page. @param month such as `2026-05` */
export function monthHref(month: string): string {
  return `/operator/months/${month}`;
}

/** Returns the link to a month's page. @param month such as `2026-05` */
export function monthLink(month: string): Link {
  return { href: monthHref(month), text: formatMonth(month) };
}

/** Returns the path of an operator's page of a tenant. */
export function tenantHref(tenantId: string): string {
  return `/operator/tenants/${encodeURIComponent(tenantId)}`;
}

/** Renders a tenant's id as a link to an operator's page of the tenant. */
export function tenantIdLink(tenantId: string): Markup {
  return markup`<a class="id" href="${tenantHref(tenantId)}">${tenantId}</a>`;
}

/** Returns the path that the pages of a tenant's account are below, for operators or the tenant. */
export function accountHref({ scope }: Pick<Visitor, 'scope'>, tenantId: string): string {
  return scope === 'operator' ? tenantHref(tenantId) : '/tenant';
}

/** Returns the links to the parents of a page of a tenant's account; none for the tenant itself. */
export function accountTrail({ scope }: Pick<Visitor, 'scope'>, tenantId: string): readonly Link[] {
  if (scope === 'tenant') return [];
  return [
    { href: '/operator/tenants', text: 'Tenants' },
    { href: tenantHref(tenantId), text: tenantId },
  ];
}

/** Returns the path of an invoice's page, for operators or its tenant. */
export function invoiceHref(visitor: Visitor, invoiceId: string): string {
  return `${rootOf(visitor)}/invoices/${invoiceId}`;
}

/** Returns the path of an adjustment note's page, for operators or its tenant. */
export function noteHref(visitor: Visitor, adjustmentNoteId: string): string {
  return `${rootOf(visitor)}/adjustment-notes/${adjustmentNoteId}`;
}

/** Returns the path of a request's page. */
export function requestHref(month: string, requestId: string): string {
  return `${monthHref(month)}/requests/${encodeURIComponent(requestId)}`;
}

/** Returns the path of an action on an invoice. */
export function invoiceActionHref(invoiceId: string, action: InvoiceAction): string {
  return `/operator/invoices/${invoiceId}/${action}`;
}
export type InvoiceAction = 'pay' | 'void' | 'release' | 'credit';

/** Returns the path of the form that credits a line of an invoice or an adjustment note. */
export function creditHref(
  document: 'invoices' | 'adjustment-notes',
  documentId: string,
  lineNo: number,
): string {
  return `/operator/${document}/${documentId}/credit?line_no=${lineNo}`;
}

/** Returns the path of the form for a charge or credit on a tenant's next invoice. */
export function newItemHref(tenantId: string): string {
  return `/operator/items/new?tenant_id=${encodeURIComponent(tenantId)}`;
}

/** Returns the path of the form that reruns tenants of a month. */
export function reRunHref(month: string, tenantId: string): string {
  return `/operator/months/${month}/re-run?tenant_id=${encodeURIComponent(tenantId)}`;
}

/** Returns the path of the form that accepts a tenant's total beyond the safety bounds. */
export function acceptBoundsHref(month: string, tenantId: string): string {
  return `${reRunHref(month, tenantId)}&accept_bounds=true`;
}

/** Returns the path of the form that excludes an event from billing. @param from the page that lists the event */
export function excludeHref(source: 'llm' | 'metered', eventId: string, from: string): string {
  return `/operator/usage-exclusions/new?${new URLSearchParams({ source, event_id: eventId, from }).toString()}`;
}
