import { MAX_FORCED_TENANTS } from '../../../contracts/request-payload.ts';
import type { Standing } from '../../../db/invoices/month-invoices.ts';
import { adviceFor } from '../../../contracts/failures.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge, invoiceStatus, outcome } from './badge.ts';
import { errorSummary, field, type FieldMistake } from './form-fields.ts';
import { formatMonth } from '../../../display/dates.ts';
import { formToken, layout, type Visitor } from './layout.ts';
import { monthHref, monthLink } from './places.ts';
import { table } from './html-table.ts';

/** The submitted form. */
export interface ReRunForm {
  /** Stays the same if the form is sent twice, so that there is one request and one revision. */
  readonly requestId: string;
  readonly reason: string;
  readonly onlyIfChanged: boolean;
  readonly acceptBounds: boolean;
}

export interface ReRunView {
  readonly visitor: Visitor;
  readonly month: string;
  readonly tenants: readonly Standing[];
  readonly form: ReRunForm;
  readonly mistakes: readonly FieldMistake[];
}

/** Renders the confirmation before a rerun: the tenants, their live invoices, and the reason. */
export function reRunPage({ visitor, month, tenants, form, mistakes }: ReRunView): string {
  const title = `Rerun ${tenants.length === 1 ? (tenants[0]?.tenant_id ?? '') : `${groupDigits(tenants.length)} tenants`}`;
  const isBeyondBounds = tenants.some(({ reason_type }) => reason_type === 'out_of_bounds');
  return layout({
    title,
    visitor,
    trail: trailTo(month),
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}<p>A rerun builds each invoice of ${formatMonth(month)} below again from today’s data. The new revision replaces the live invoice in one step; the old one stays readable as superseded. An invoice that is settled stays, and an adjustment note is issued for the difference.</p>
${standingTable(tenants)}
<form class="sheet" method="post" action="/operator/months/${month}/re-run">
${formToken(visitor)}<input type="hidden" name="request_id" value="${form.requestId}">
${tenants.map(({ tenant_id }) => markup`<input type="hidden" name="tenant_id" value="${tenant_id}">\n`)}${field(
      {
        id: 'reason',
        label: 'Reason',
        hint: 'Stored with the new revision. If an adjustment note is issued, the tenant reads it there. Recorded with your key’s name.',
        mistakes,
        input: (attributes) =>
          markup`<textarea ${attributes} name="reason" rows="2" maxlength="1000" required>${form.reason}</textarea>`,
      },
    )}<div class="choice"><input type="checkbox" id="only_if_changed" name="only_if_changed" value="true"${checked(form.onlyIfChanged)}><label for="only_if_changed">Skip invoices that would not change</label></div>
${
  isBeyondBounds
    ? markup`<div class="choice"><input type="checkbox" id="accept_bounds" name="accept_bounds" value="true"${checked(form.acceptBounds)}><label for="accept_bounds">Accept totals beyond the safety bounds; I have checked each one</label></div>\n`
    : ''
}<div class="actions"><button>Rerun</button><a href="${monthHref(month)}">Cancel</a></div>
</form>
`,
  });
}

function checked(isChecked: boolean): Markup {
  return isChecked ? markup` checked` : markup``;
}

function standingTable(tenants: readonly Standing[]): Markup {
  return table({
    caption: 'Tenants with their live invoices',
    empty: '',
    rows: tenants,
    columns: [
      {
        head: 'Tenant',
        isHead: true,
        cell: ({ tenant_id, name }) =>
          markup`${name ?? badge('bad', 'unknown tenant')}<span class="sub id">${tenant_id}</span>`,
      },
      {
        head: 'Live invoice',
        cell: ({ invoice_id, number, status, total_cents, currency }) =>
          invoice_id === null || status === null
            ? 'none'
            : markup`<a href="/operator/invoices/${invoice_id}">${number}</a> ${invoiceStatus(status)}<span class="sub">${formatMoney(total_cents ?? 0, currency ?? '')}</span>${
                status === 'void'
                  ? markup`<span class="sub">its next revision will replace it</span>`
                  : ''
              }`,
      },
      {
        head: 'Outcome',
        cell: (tenant) =>
          markup`${outcome(tenant.outcome)}${
            tenant.reason_type === null
              ? ''
              : markup`<span class="sub">${tenant.reason ?? ''}</span><span class="sub">${adviceFor(tenant.reason_type)}</span>`
          }`,
      },
    ],
  });
}

export interface ChooseTenantsView {
  readonly visitor: Visitor;
  readonly month: string;
  readonly typed: string;
  readonly mistakes: readonly FieldMistake[];
}

/** Renders the form to enter tenants, if none are selected yet. */
export function chooseTenantsPage({ visitor, month, typed, mistakes }: ChooseTenantsView): string {
  return layout({
    title: `Rerun tenants in ${formatMonth(month)}`,
    visitor,
    trail: trailTo(month),
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}<form class="sheet" method="get" action="/operator/months/${month}/re-run">
${field({
  id: 'tenant_ids',
  label: 'Tenants',
  hint: `Tenant ids, one per line, at most ${groupDigits(MAX_FORCED_TENANTS)}. The next page asks for the reason and a confirmation.`,
  mistakes,
  input: (attributes) =>
    markup`<textarea ${attributes} name="tenant_ids" rows="5" spellcheck="false" required>${typed}</textarea>`,
})}<div class="actions"><button>Continue</button><a href="${monthHref(month)}">Cancel</a></div>
</form>
`,
  });
}

function trailTo(month: string) {
  return [{ href: '/operator/months', text: 'Months' }, monthLink(month)];
}
