import type { ThresholdView } from '../../../db/usage/spend-thresholds.ts';
import { formatMonth } from '../../../display/dates.ts';
import { signedAmount } from '../../../display/line-text.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { LateUsageOfMonth, TenantActivity } from '../tenant-activity.ts';
import { usageState } from './books-html.ts';
import { table } from './html-table.ts';
import type { Visitor } from './layout.ts';
import { monthHref, reRunHref, tenantHref } from './places.ts';
import { monthSummary } from './tenant-month-html.ts';

export interface ActivityView {
  readonly visitor: Visitor;
  readonly tenantId: string;
  readonly activity: TenantActivity;
  readonly thresholds: readonly ThresholdView[];
}

/** Renders the running month and late usage of a tenant; while they are computed, a region that refreshes. */
export function activitySection(view: ActivityView): Markup {
  const { tenantId, activity } = view;
  const isComputing = activity.state === 'computing';
  return markup`<div${isComputing ? markup` data-live="${tenantHref(tenantId)}/live"` : ''}>${activityLive(view)}</div>
${isComputing ? markup`<p role="status" class="heard" data-spoken></p>\n` : ''}`;
}

/** Renders the part that refreshes. */
export function activityLive({ visitor, tenantId, activity, thresholds }: ActivityView): Markup {
  const monthPage = `${tenantHref(tenantId)}/this-month`;
  if (activity.state !== 'ready') {
    return markup`<h2 id="this-month">This month</h2>
${
  activity.state === 'computing'
    ? markup`<p class="note" data-say="The running month is being computed">The running month and late usage are being computed. They appear here in a moment.</p>\n`
    : markup`<p class="note" data-ended>The running month and late usage can’t be shown at the moment. Reload this page in a minute.</p>\n`
}<p><a href="${monthPage}">This month in full</a></p>
`;
  }
  const { running, late } = activity;
  return markup`<span data-ended></span><h2 id="this-month">${formatMonth(running.period.month)} so far</h2>
${monthSummary({ visitor, running, thresholds })}<ul class="links"><li><a href="${monthPage}">Lines, models and usage so far</a></li><li><a href="${tenantHref(tenantId)}/usage">Usage by day</a></li></ul>
${lateSection(late, running.currency)}`;
}

function lateSection(late: readonly LateUsageOfMonth[], currency: string): Markup {
  if (late.length === 0) return markup``;
  return markup`<h2 id="late-usage">Late usage</h2>
${table<LateUsageOfMonth>({
  caption: 'Usage of earlier months that no invoice bills, latest month first',
  empty: '',
  rows: late,
  columns: [
    {
      head: 'Month',
      isHead: true,
      cell: ({ month }) => markup`<a href="${monthHref(month)}">${formatMonth(month)}</a>`,
    },
    { head: 'Why', cell: ({ reason }) => usageState(reason) },
    { head: 'What to do', cell: whatToDo },
    {
      head: `Would add, ${currency}`,
      isFigure: true,
      cell: ({ would_add_cents, problem }) =>
        would_add_cents === null
          ? markup`not known<span class="sub">${problem ?? ''}</span>`
          : signedAmount(would_add_cents, currency),
    },
  ],
})}`;
}

/** Reruns have a page; for everything else there is the command. */
function whatToDo({ reason, month, tenant_id, what_to_do, command }: LateUsageOfMonth): Markup {
  if (reason === 'needs_re_run') {
    return markup`${what_to_do} <a href="${reRunHref(month, tenant_id)}">Rerun ${formatMonth(month)}</a>`;
  }
  return markup`${what_to_do}${command === null ? '' : markup`<span class="sub"><code>${command}</code></span>`}`;
}
