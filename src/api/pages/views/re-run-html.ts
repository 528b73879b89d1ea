import { MAX_FORCED_TENANTS } from '../../../contracts/request-payload.ts';
import type { Standing } from '../../../db/invoices/month-invoices.ts';
import { adviceFor, FAILURE } from '../../../contracts/failures.ts';
import { formatMoney, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge, invoiceStatus, outcome } from './badge.ts';
import { withCode } from './code-text.ts';
import { errorSummary, field, type FieldMistake } from './form-fields.ts';
import { formatMonth } from '../../../display/dates.ts';
import { layout, type Visitor } from './layout.ts';
import type { ReRunOptions } from './re-run-effects.ts';
import type { ActionView } from './action-form.ts';
import { monthHref, monthLink } from './places.ts';
import { table } from './html-table.ts';

/** The submitted form. */
export interface ReRunForm extends ReRunOptions {
  /** Stays the same if the form is sent twice, so that there is one request and one revision. */
  readonly requestId: string;
  readonly tenantIds: readonly string[];
}

/** Renders a rerun: the tenants with their live invoices, and the options. */
export function reRunView(
  month: string,
  tenants: readonly Standing[],
  { requestId, tenantIds, onlyIfChanged, acceptBounds }: ReRunForm,
): ActionView {
  const [only] = tenants;
  const names =
    tenants.length === 1 ? (only?.tenant_id ?? '') : `${groupDigits(tenants.length)} tenants`;
  const isBeyondBounds = tenants.some(({ reason_type }) => reason_type === FAILURE.outOfBounds);
  return {
    title: acceptBounds ? `Accept the total of ${names}` : `Rerun ${names}`,
    trail: trailTo(month),
    cancelHref: monthHref(month),
    intro: markup`<p>A rerun builds each invoice of ${formatMonth(month)} below again from today’s data. What it replaces stays readable.</p>
${standingTable(tenants)}`,
    refusal: null,
    hidden: { request_id: requestId, tenant_id: tenantIds },
    fields: () =>
      markup`${choice('only_if_changed', 'Skip invoices that would not change', onlyIfChanged)}${
        isBeyondBounds || acceptBounds
          ? choice('accept_bounds', 'Accept totals beyond the safety bounds', acceptBounds)
          : ''
      }`,
    reasonHint:
      'Stored with the new revision. If an adjustment note is issued, the tenant reads it there. Recorded with your key’s name.',
    ...(acceptBounds && { confirmation: 'I have checked each total above, and it is right' }),
    button: 'Rerun',
  };
}

function choice(id: string, label: string, isChecked: boolean): Markup {
  return markup`<div class="choice"><input type="checkbox" id="${id}" name="${id}" value="true"${isChecked ? markup` checked` : ''}><label for="${id}">${label}</label></div>
`;
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
              : markup`<span class="sub">${tenant.reason ?? ''}</span><span class="sub">${withCode(adviceFor(tenant.reason_type))}</span>`
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
