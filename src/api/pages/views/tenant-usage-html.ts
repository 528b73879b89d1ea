import { formatMonth } from '../../../display/dates.ts';
import { markup } from '../../../lib/markup.ts';
import { dailySection, type DailyView } from './daily-html.ts';
import { layout, type Visitor } from './layout.ts';
import { accountHref, accountTrail } from './places.ts';

export interface TenantUsageView {
  readonly visitor: Visitor;
  readonly tenantId: string;
  readonly month: string;
  /** The months that can be chosen, newest first. */
  readonly months: readonly string[];
  readonly daily: DailyView['usage'];
}

/** Renders a tenant's usage of a month by day, with its export. Only tenants wait for releases. */
export function tenantUsagePage(view: TenantUsageView): string {
  const { visitor, tenantId, month, months, daily } = view;
  const usageHref = `${accountHref(visitor, tenantId)}/usage`;
  const options = months.map(
    (each) =>
      markup`<option value="${each}"${each === month ? markup` selected` : ''}>${formatMonth(each)}</option>`,
  );
  return layout({
    title: `Usage of ${formatMonth(month)}`,
    visitor,
    trail: accountTrail(visitor, tenantId),
    isLive: daily.state === 'computing',
    main: markup`<form class="filter" method="get" action="${usageHref}">
<div class="field"><label for="month">Month</label><select id="month" name="month">${options}</select></div>
<button class="quiet">Show</button>
</form>
<p><a class="button" href="${usageHref}/${month}.csv" download>Download ${formatMonth(month)} as CSV</a></p>
<p class="hint">A row per deployment, day, kind and model, with exact charges. ${visitor.scope === 'tenant' ? 'Earlier months appear here once they are released.' : ''}</p>
${dailySection({ month, timeZone: visitor.timeZone, usage: daily, usageHref })}`,
  });
}
