import { adviceFor, FAILURE } from '../../../contracts/failures.ts';
import type { ParkedTenant } from '../../../db/month-end/month-views.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { formatMonth } from '../../../display/dates.ts';
import { formatMoney } from '../../../domain/format.ts';
import { minute } from './page-format.ts';
import { withCode } from './code-text.ts';
import { layout, type Visitor } from './layout.ts';
import { acceptBoundsHref, monthLink, tenantIdLink } from './places.ts';
import { table } from './html-table.ts';
import type { TemporalLinks } from '../../../temporal/temporal-links.ts';

export interface ParkedView {
  readonly visitor: Visitor;
  readonly month: string;
  readonly parked: readonly ParkedTenant[];
  readonly moreHref: string | null;
  readonly temporal: TemporalLinks | null;
}

/** Renders the page of a month's parked tenants. */
export function parkedPage(view: ParkedView): string {
  const { month, visitor } = view;
  return layout({
    title: `Parked tenants of ${formatMonth(month)}`,
    visitor,
    trail: [{ href: '/operator/months', text: 'Months' }, monthLink(month)],
    main: parkedForm(view),
  });
}

/** Renders the section on the month's page. */
export function parkedSection(view: ParkedView): Markup {
  return markup`<h2 id="parked">Parked tenants</h2>
${parkedForm(view)}`;
}

/** Renders the list as a form, because a rerun is how to release a parked tenant. */
function parkedForm({ visitor, month, parked, moreHref, temporal }: ParkedView): Markup {
  if (parked.length === 0) {
    return markup`<p class="empty">No tenants are parked.</p>\n`;
  }
  return markup`<form method="get" action="/operator/months/${month}/re-run">
${table({
  caption: 'Parked tenants with reason and action',
  empty: '',
  rows: parked,
  columns: [
    {
      head: markup`<span class="heard">Select</span>`,
      cell: ({ tenant_id }) =>
        markup`<input type="checkbox" name="tenant_id" value="${tenant_id}" aria-label="Select ${tenant_id}">`,
    },
    {
      head: 'Tenant',
      isHead: true,
      cell: ({ tenant_id, recorded_at }) =>
        markup`${tenantIdLink(tenant_id)}<span class="sub date">${minute(recorded_at, visitor.timeZone)}</span>${temporal === null ? '' : markup`<a class="sub" href="${temporal.tenant(month, tenant_id)}">Workflow<span class="heard"> of ${tenant_id} in the Temporal Web UI</span></a>`}`,
    },
    { head: 'Reason', cell: reasonCell },
    { head: 'What to do', cell: (tenant) => whatToDo(month, tenant) },
    { head: 'Last invoice', isFigure: true, cell: lastInvoice },
  ],
})}<p>Once fixed, select the tenants and rerun them.</p>
<div class="actions"><button>Rerun selected …</button>${moreHref === null ? '' : markup`<a href="${moreHref}" rel="next">More parked tenants</a>`}</div>
</form>
`;
}

/** Renders the money at stake. */
function lastInvoice({ last_invoice }: ParkedTenant): Markup | string {
  if (last_invoice === null) return 'none';
  const { month, currency, total_cents } = last_invoice;
  return markup`${formatMoney(total_cents, currency)}<span class="sub">${formatMonth(month)}</span>`;
}

/** Renders why a tenant is parked. */
export function reasonCell({
  reason_type,
  reason,
}: Pick<ParkedTenant, 'reason_type' | 'reason'>): Markup {
  return markup`<code>${reason_type}</code><span class="sub">${reason}</span>`;
}

/** Returns what to do about a parked tenant of a month. */
export function whatToDo(
  month: string,
  { tenant_id, reason_type }: Pick<ParkedTenant, 'tenant_id' | 'reason_type'>,
): Markup {
  const advice = withCode(adviceFor(reason_type));
  if (reason_type === FAILURE.controlTotalMismatch) {
    return markup`${advice} <a href="/operator/months/${month}/control-totals">Compare and accept</a>`;
  }
  if (reason_type === FAILURE.outOfBounds) {
    return markup`${advice} <a href="${acceptBoundsHref(month, tenant_id)}">Accept the total<span class="heard"> of ${tenant_id}</span></a>`;
  }
  return advice;
}
