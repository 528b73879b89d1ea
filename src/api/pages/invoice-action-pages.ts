import { randomUUID } from 'node:crypto';
import { countWaiting } from '../../db/month-end/review-facts.ts';
import { isServed } from '../../db/invoices/release.ts';
import type { InvoiceHeader } from '../../db/invoices/invoice-views.ts';
import { planVoid } from '../../db/invoices/void-invoice.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { formatMonth } from '../../display/dates.ts';
import { formatMoney, groupDigits } from '../../domain/format.ts';
import type { CallDeps } from '../http/api-deps.ts';
import { invalidRequest } from '../http/problems.ts';
import { invoiceParams, requireInvoiceHeader } from '../routes/invoice-params.ts';
import { postRelease, type ReleaseReply } from '../routes/release-routes.ts';
import { postVoid } from '../routes/void-route.ts';
import { isOwn, operatorAction } from './action-pages.ts';
import { doneHref } from './views/done-note.ts';
import { minute } from './views/page-format.ts';
import { invoicePlace } from './views/invoice-actions.ts';
import { invoiceHref } from './views/places.ts';

/** Actions on an invoice as a whole: voiding it, and releasing its month to its tenant. */

/** Voids an invoice. */
export const voidOneInvoice = operatorAction({
  path: '/operator/invoices/:invoice_id/void',
  params: invoiceParams,
  read: () => null,
  view: async ({ params, visitor, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    return {
      title: `Void ${invoice.number}`,
      ...invoicePlace(invoice, visitor),
      refusal: await whyNotVoided(db, invoice, visitor.timeZone),
      reasonHint: 'Stored with the invoice, and recorded with your key’s name.',
      confirmation: 'Void it. I know that this can’t be undone',
      button: 'Void',
    };
  },
  foresee: async ({ params, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    const { number, tenant_id: tenantId, released_at } = invoice;
    const month = formatMonth(invoice.period_start);
    return [
      `Invoice ${number} of ${formatMoney(invoice.total_cents, invoice.currency)} becomes void for good: ${tenantId} owes nothing for it.`,
      released_at === null
        ? `${tenantId} has not seen it yet.`
        : `${tenantId} sees it as void, and webhook endpoints get the event.`,
      `Its usage, charges and credits of ${month} wait. Runs skip ${tenantId} until a forced rerun that names it issues the next revision.`,
    ];
  },
  wasDone: async (call, { db }) => {
    const invoice = await requireInvoiceHeader(db, call.params.invoice_id, call.caller);
    return isOwn(invoice.status_change, call);
  },
  run: async ({ params, reason, visitor, caller, requestId }, deps) => {
    await postVoid.handle({ params, query: {}, body: { reason }, caller, requestId }, deps);
    return doneHref(invoiceHref(visitor, params.invoice_id), 'voided');
  },
  fields: {},
});

async function whyNotVoided(
  db: CallDeps['db'],
  { invoice_id, number, status_change }: InvoiceHeader,
  timeZone: string,
): Promise<string | null> {
  const planned = await planVoid(db, invoice_id);
  if ('reason' in planned) return `It can’t be voided: ${planned.reason}.`;
  if (status_change === null) return null;
  const { actor, changed_at, reason } = status_change;
  return `Invoice ${number} is void already: by ${actor} on ${minute(changed_at, timeZone)}, “${reason ?? ''}”.`;
}

/** Releases an invoice's month to its tenant. */
export const releaseOneInvoice = operatorAction({
  path: '/operator/invoices/:invoice_id/release',
  params: invoiceParams,
  read: (sent) => ({ requestId: sent.text('request_id') || randomUUID() }),
  view: async ({ params, values, visitor, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    return {
      title: `Release ${invoice.number}`,
      ...invoicePlace(invoice, visitor),
      refusal: whyNotReleased(invoice, visitor.timeZone),
      hidden: { request_id: values.requestId },
      reasonHint: 'Stored with the release, and recorded with your key’s name.',
      confirmation: 'I have reviewed it. I know that this can’t be undone',
      button: 'Release',
    };
  },
  foresee: async ({ params, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    const { tenant_id: tenantId, number, currency, total_cents } = invoice;
    const month = formatMonth(invoice.period_start);
    const others = (await countWaiting(db, await periodOf(db, invoice))) - 1;
    return [
      `${tenantId} sees invoice ${number} of ${formatMoney(total_cents, currency)} at once, and later revisions and adjustment notes of ${month} as soon as they are issued.`,
      'Its due date counts from today, and webhook endpoints get the event.',
      waitingOthers(others, month),
    ];
  },
  wasDone: async ({ params, values, caller }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    return isServed(db, await periodOf(db, invoice), values.requestId);
  },
  run: async ({ params, values, reason, visitor, caller, requestId }, deps) => {
    const invoice = await requireInvoiceHeader(deps.db, params.invoice_id, caller);
    const body = {
      month: invoice.period_start.slice(0, 7),
      tenant_ids: [invoice.tenant_id],
      reason,
      request_id: values.requestId,
    };
    const call = { params: {}, query: {}, body, caller, requestId };
    const { body: result } = await postRelease.handle(call, deps);
    const [refused] = (result as ReleaseReply).not_released;
    if (refused !== undefined) throw invalidRequest([{ pointer: '', detail: refused.reason }]);
    return doneHref(invoiceHref(visitor, invoice.invoice_id), 'released');
  },
  fields: {},
});

function waitingOthers(others: number, month: string): string {
  if (others <= 0) return `No other invoice of ${month} waits.`;
  return others === 1
    ? `The other invoice of ${month} that waits stays unreleased.`
    : `The other ${groupDigits(others)} invoices of ${month} that wait stay unreleased.`;
}

async function periodOf(db: CallDeps['db'], { period_start }: InvoiceHeader) {
  return (await loadCalendar(db)).periodOf(period_start.slice(0, 7));
}

function whyNotReleased(
  { number, status, superseded_by, released_at }: InvoiceHeader,
  timeZone: string,
): string | null {
  if (released_at !== null) {
    return `The tenant has seen ${number} since ${minute(released_at, timeZone)}.`;
  }
  if (superseded_by !== null) return `Invoice ${number} was replaced: release its latest revision.`;
  return status === 'void' ? `Invoice ${number} is void: there is nothing to release.` : null;
}
