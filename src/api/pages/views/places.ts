import { formatMonth } from '../../../display/dates.ts';
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
