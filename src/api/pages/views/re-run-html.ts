import { MAX_FORCED_TENANTS } from '../../../contracts/request-payload.ts';
import type { Standing } from '../../../db/invoices/month-invoices.ts';
import { adviceFor } from '../../../contracts/failures.ts';
import { formatMoney } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge, invoiceStatus, outcome } from './badge.ts';
import { errorSummary, field, type FieldMistake } from './form-fields.ts';
import { count, monthName } from './page-format.ts';
import { formToken, layout, type Visitor } from './layout.ts';
import { table } from './html-table.ts';

/** What an operator has typed. */
export interface ReRunForm {
  /** The same however often the form is sent: one request, one revision. */
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

/** The step before tenants are re-run: whom it concerns, what stands now, and why. */
export function reRunPage({ visitor, month, tenants, form, mistakes }: ReRunView): string {
  const title = `Re-run ${tenants.length === 1 ? (tenants[0]?.tenant_id ?? '') : `${count(tenants.length)} tenants`}`;
  const isBeyondBounds = tenants.some(({ reason_type }) => reason_type === 'out_of_bounds');
  return layout({
    title,
    visitor,
    trail: trailTo(month),
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}<p>Each invoice of ${monthName(month)} below is built anew from today’s data and replaces the one that stands, in one step. The old one stays readable as superseded.</p>
${standingTable(tenants)}
<form class="sheet" method="post" action="/operator/months/${month}/re-run">
${formToken(visitor)}<input type="hidden" name="request_id" value="${form.requestId}">
${tenants.map(({ tenant_id }) => markup`<input type="hidden" name="tenant_id" value="${tenant_id}">\n`)}${field(
      {
        id: 'reason',
        label: 'Reason',
        hint: 'It stays with the new revision, and on record with your key’s name.',
        mistakes,
        input: (attributes) =>
          markup`<textarea ${attributes} name="reason" rows="2" maxlength="1000" required>${form.reason}</textarea>`,
      },
    )}<div class="choice"><input type="checkbox" id="only_if_changed" name="only_if_changed" value="true"${checked(form.onlyIfChanged)}><label for="only_if_changed">Leave an invoice as it is that would come out the same</label></div>
${
  isBeyondBounds
    ? markup`<div class="choice"><input type="checkbox" id="accept_bounds" name="accept_bounds" value="true"${checked(form.acceptBounds)}><label for="accept_bounds">Accept totals beyond the safety bounds: I have looked at each</label></div>\n`
    : ''
}<div class="actions"><button>Yes, re-run</button><a href="/operator/months/${month}">No, go back</a></div>
</form>
`,
  });
}

function checked(isChecked: boolean): Markup {
  return isChecked ? markup` checked` : markup``;
}

function standingTable(tenants: readonly Standing[]): Markup {
  return table({
    caption: 'The tenants, and how they stand now',
    empty: '',
    rows: tenants,
    columns: [
      {
        head: 'Tenant',
        isHead: true,
        cell: ({ tenant_id, name }) =>
          markup`${name ?? badge('bad', 'no such tenant')}<span class="sub id">${tenant_id}</span>`,
      },
      {
        head: 'Invoice that stands',
        cell: ({ invoice_id, number, status, total_cents, currency }) =>
          invoice_id === null || status === null
            ? 'none'
            : markup`<a href="/operator/invoices/${invoice_id}">${number}</a> ${invoiceStatus(status)}<span class="sub">${formatMoney(total_cents ?? 0, currency ?? '')}</span>${
                status === 'issued'
                  ? ''
                  : markup`<span class="sub">is never rebuilt: it will be refused</span>`
              }`,
      },
      {
        head: 'Outcome',
        isWide: true,
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

/** Whom to re-run, where nobody was chosen yet. */
export function chooseTenantsPage({ visitor, month, typed, mistakes }: ChooseTenantsView): string {
  return layout({
    title: `Re-run tenants in ${monthName(month)}`,
    visitor,
    trail: trailTo(month),
    hasErrors: mistakes.length > 0,
    main: markup`${errorSummary(mistakes)}<form class="sheet" method="get" action="/operator/months/${month}/re-run">
${field({
  id: 'tenant_ids',
  label: 'Tenants',
  hint: `Their ids, one a line, up to ${count(MAX_FORCED_TENANTS)}. The next page asks for the reason; nothing happens before.`,
  mistakes,
  input: (attributes) =>
    markup`<textarea ${attributes} name="tenant_ids" rows="5" spellcheck="false" required>${typed}</textarea>`,
})}<div class="actions"><button>Go on</button><a href="/operator/months/${month}">Go back</a></div>
</form>
`,
  });
}

function trailTo(month: string) {
  return [
    { href: '/operator/months', text: 'Months' },
    { href: `/operator/months/${month}`, text: monthName(month) },
  ];
}
