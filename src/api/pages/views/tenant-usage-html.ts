import { formatMonth } from '../../../display/dates.ts';
import { markup } from '../../../lib/markup.ts';
import { dailySection, type DailyView } from './daily-html.ts';
import { layout, type Visitor } from './layout.ts';

export interface TenantUsageView {
  readonly visitor: Visitor;
  readonly month: string;
  /** The months that can be chosen, newest first. */
  readonly months: readonly string[];
  readonly daily: DailyView['usage'];
}

/** Renders a tenant's usage of a month by day, with its export. */
export function tenantUsagePage({ visitor, month, months, daily }: TenantUsageView): string {
  const options = months.map(
    (each) =>
      markup`<option value="${each}"${each === month ? markup` selected` : ''}>${formatMonth(each)}</option>`,
  );
  return layout({
    title: `Usage of ${formatMonth(month)}`,
    visitor,
    isLive: daily.state === 'computing',
    main: markup`<form class="filter" method="get" action="/tenant/usage">
<div class="field"><label for="month">Month</label><select id="month" name="month">${options}</select></div>
<button class="quiet">Show</button>
</form>
<p><a class="button" href="/tenant/usage/${month}.csv" download>Download ${formatMonth(month)} as CSV</a></p>
<p class="hint">A row per deployment, day, kind and model, with exact charges. Earlier months appear here once they are released.</p>
${dailySection({ month, timeZone: visitor.timeZone, usage: daily })}`,
  });
}
