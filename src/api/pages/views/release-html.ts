import type { MonthInvoice } from '../../../db/invoices/month-invoices.ts';
import type { ParkedTenant } from '../../../db/month-end/month-views.ts';
import type { Review } from '../../../db/month-end/review-facts.ts';
import { formatMonth } from '../../../display/dates.ts';
import { counted, formatMoney, groupDigits } from '../../../domain/format.ts';
import { previousMonth } from '../../../domain/period.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { errorSummary, reasonField, type FieldMistake } from './form-fields.ts';
import { table } from './html-table.ts';
import { formToken, layout, type Visitor } from './layout.ts';
import { monthHref, monthLink } from './places.ts';
import { invoiceColumns } from './month-invoices-html.ts';
import { minute } from './page-format.ts';

/** The submitted form. */
export interface ReleaseForm {
  /** Stays the same if the form is sent twice. */
  readonly requestId: string;
  readonly scope: 'all' | 'selected';
  readonly tenantIds: readonly string[];
  readonly reason: string;
}

export interface ReleaseView {
  readonly visitor: Visitor;
  readonly month: string;
  readonly review: Review;
  /** The largest changes of those that wait. */
  readonly invoices: readonly MonthInvoice[];
  readonly parked: readonly ParkedTenant[];
  readonly form: ReleaseForm;
  readonly mistakes: readonly FieldMistake[];
}

/** Renders what waits for its release in a month: totals, the largest changes, and the form that releases it. */
export function releasePage(view: ReleaseView): string {
  const { visitor, month, review, invoices, parked, mistakes } = view;
  return layout({
    title: `Review ${formatMonth(month)}`,
    visitor,
    trail: [{ href: '/operator/months', text: 'Months' }, monthLink(month)],
    hasErrors: mistakes.length > 0,
    main:
      review.waiting === 0
        ? markup`<p class="empty">No invoice of ${formatMonth(month)} waits for release.</p>\n${parkedNote(parked, month)}`
        : markup`${errorSummary(mistakes)}<p>Tenants can’t see these invoices yet. Once released, a tenant sees every revision of its invoice of this month.</p>
<dl class="facts">
<div><dt>Waiting</dt><dd>${groupDigits(review.waiting)}</dd></div>
${review.since === null ? '' : markup`<div><dt>Since</dt><dd>${minute(review.since, visitor.timeZone)}</dd></div>\n`}${review.totals.map(({ currency, invoices, total_cents }) => markup`<div><dt>${counted(invoices, 'invoice')}</dt><dd>${formatMoney(total_cents, currency)}</dd></div>\n`)}</dl>
${parkedNote(parked, month)}<form method="post" action="/operator/months/${month}/release">
${formToken(visitor)}${table({
            caption: `Largest changes since ${formatMonth(previousMonth(month))}`,
            hasVisibleCaption: true,
            empty: '',
            rows: invoices,
            columns: invoiceColumns(month, new Set(view.form.tenantIds)),
          })}${
            review.waiting > invoices.length
              ? markup`<p><a href="/operator/months/${month}/invoices?release=waiting">All ${groupDigits(review.waiting)} invoices that wait</a></p>\n`
              : ''
          }${controls(view)}</form>
`,
  });
}

function controls({ month, review, form, mistakes }: ReleaseView): Markup {
  return markup`<div class="sheet"><input type="hidden" name="request_id" value="${form.requestId}"><input type="hidden" name="seen" value="${seenOf(review)}">
<fieldset><legend>Release</legend>
${scopeChoice('all', review.waiting === 1 ? 'the invoice that waits' : `all ${groupDigits(review.waiting)} invoices that wait`, form)}${scopeChoice('selected', 'the invoices selected above', form)}</fieldset>
${reasonField(form.reason, 'Stored with the release, and recorded with your key’s name.', mistakes)}<div class="choice"><input type="checkbox" id="confirmed" name="confirmed" value="true" required><label for="confirmed">I have reviewed them. Tenants will see them at once, and webhooks will be sent; this can’t be undone</label></div>
<div class="actions"><button>Release</button><a href="${monthHref(month)}">Cancel</a></div>
</div>
`;
}

/** What the page shows of the invoices that wait: if it has changed by the time the form is sent, they have to be reviewed again. */
export function seenOf({ waiting, totals }: Review): string {
  return [
    String(waiting),
    ...totals.map(({ currency, total_cents }) => `${currency} ${total_cents}`),
  ].join(', ');
}

function scopeChoice(scope: ReleaseForm['scope'], label: string, form: ReleaseForm): Markup {
  const checked = form.scope === scope ? markup` checked` : markup``;
  return markup`<div class="choice"><input type="radio" id="${scope}" name="scope" value="${scope}"${checked}><label for="${scope}">${label}</label></div>
`;
}

/** Parked tenants have no invoice that could be released. */
function parkedNote(parked: readonly ParkedTenant[], month: string): Markup {
  if (parked.length === 0) return markup``;
  const names = parked.map(({ tenant_id }) => tenant_id).join(', ');
  return markup`<p class="note">Parked, so not part of this review: <span class="id">${names}</span>. <a href="/operator/months/${month}/parked">Reasons and actions</a></p>
`;
}
