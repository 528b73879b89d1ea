import type { RunningMonthJson } from '../../../audit/running-month-json.ts';
import type { ThresholdView } from '../../../db/usage/spend-thresholds.ts';
import { formatMonth } from '../../../display/dates.ts';
import { previousMonth } from '../../../domain/period.ts';
import { recurringCentsOf } from '../../../domain/running-month.ts';
import { thresholdCents, type ThresholdLimit } from '../../../domain/spend-thresholds.ts';
import { formatMoney } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { bar, percentOf } from './bars.ts';
import { dailySection, type DailyView } from './daily-html.ts';
import { table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { linesTable, type LinesTotals } from './lines-table.ts';
import { minute, roundedMoney } from './page-format.ts';
import { accountHref, accountTrail } from './places.ts';
import { deploymentsSection, modelsSection } from './running-usage-html.ts';

/** What a running month costs so far. */
export interface MonthSummaryView {
  readonly visitor: Visitor;
  readonly running: RunningMonthJson;
  readonly thresholds: readonly ThresholdView[];
}

export interface TenantMonthView extends MonthSummaryView {
  readonly daily: DailyView['usage'];
}

/** Renders a tenant's running month: what it costs so far, from what, and on which days. */
export function tenantMonthPage({ daily, ...summary }: TenantMonthView): string {
  const { visitor, running } = summary;
  const { tenant_id, period, llm, currency, deployments } = running;
  const days = {
    ...{ month: period.month, timeZone: visitor.timeZone, usage: daily },
    usageHref: `${accountHref(visitor, tenant_id)}/usage`,
    names: namesOf(deployments),
  };
  return layout({
    title: `${formatMonth(period.month)} so far`,
    visitor,
    trail: accountTrail(visitor, tenant_id),
    isLive: daily.state === 'computing',
    main: markup`${monthSummary(summary)}${modelsSection(llm, currency)}${deploymentsSection(deployments)}${dailySection(days)}${invoiceSection(running)}`,
  });
}

/** Renders what a running month costs so far and is expected to, and how far it is from each spend threshold. */
export function monthSummary({ visitor, running, thresholds }: MonthSummaryView): Markup {
  const { tenant_id, as_of, period } = running;
  const thresholdsHref = `${accountHref(visitor, tenant_id)}/thresholds`;
  return markup`<p class="soft">As of ${minute(as_of, visitor.timeZone)}; ${percentText(period.elapsed)} of the month has passed.</p>
${costFacts(running)}${notes(running, thresholds, thresholdsHref)}${thresholdsSection(running.invoice_so_far, thresholds, thresholdsHref)}`;
}

function costFacts({ invoice_so_far: soFar, projection, llm, currency }: RunningMonthJson): Markup {
  const total = (invoice: { readonly total_cents: number } | null) =>
    invoice === null ? 'not known' : formatMoney(invoice.total_cents, currency);
  const tax = soFar === null || soFar.tax_cents === 0 ? '' : `, ${soFar.tax.label} included`;
  return markup`<dl class="facts">
<div><dt>So far${tax}</dt><dd>${total(soFar)}</dd></div>
<div><dt>Expected${tax}</dt><dd>${total(projection)}</dd></div>
<div><dt>LLM charges</dt><dd>${roundedMoney(llm.exact_cents, currency)}</dd></div>
<div><dt>Plans and addons</dt><dd>${soFar === null ? 'not known' : formatMoney(recurringOf(soFar), currency)}</dd></div>
</dl>
`;
}

/** Returns what the plans call resource kinds. */
function namesOf(deployments: RunningMonthJson['deployments']): ReadonlyMap<string, string> {
  const kinds = deployments.flatMap((deployment) => deployment.kinds);
  return new Map(
    kinds.flatMap(({ resource_kind, name }) => (name === null ? [] : [[resource_kind, name]])),
  );
}

type SoFar = NonNullable<RunningMonthJson['invoice_so_far']>;

function recurringOf({ lines }: SoFar): number {
  const own = lines.map(({ kind, amount_cents: amountCents }) => ({ kind, amountCents }));
  return recurringCentsOf({ lines: own });
}

function notes(
  running: RunningMonthJson,
  thresholds: readonly ThresholdView[],
  thresholdsHref: string,
): Markup {
  const { problem, includes_earlier_months, period } = running;
  return markup`${
    problem === null
      ? ''
      : markup`<p class="note bad">${badge('bad', 'no invoice')} The invoice can’t be computed at the moment: ${problem.reason}. The usage below is counted.</p>
`
  }${thresholds.map((threshold) => reachedNote(threshold, thresholdsHref))}${
    includes_earlier_months
      ? ''
      : markup`<p class="note">Usage and charges that are left from earlier months are not included until the invoice of ${formatMonth(previousMonth(period.month))} is released.</p>
`
  }`;
}

/** Says that a threshold was reached; nothing for the others. */
function reachedNote(
  { threshold_id, reached, currency }: ThresholdView,
  thresholdsHref: string,
): Markup {
  if (reached === null) return markup``;
  return markup`<p class="note">${badge('busy', 'threshold reached')} <a href="${thresholdsHref}">${threshold_id}</a>: ${formatMoney(reached.threshold_cents, currency)} before tax.</p>
`;
}

/** Shows how far the month is from each threshold; nothing without thresholds. */
function thresholdsSection(
  soFar: SoFar | null,
  thresholds: readonly ThresholdView[],
  thresholdsHref: string,
): Markup {
  if (soFar === null || thresholds.length === 0) return markup``;
  const spent = String(soFar.subtotal_cents);
  const rows = thresholds.map((threshold) => {
    const { amount_cents: amountCents, percent_of_plan: percentOfPlan } = threshold;
    const limit = { amountCents, percentOfPlan } as ThresholdLimit;
    const cents = thresholdCents(limit, recurringOf(soFar));
    return { ...threshold, cents: cents === null ? null : String(cents) };
  });
  return markup`<h2 id="thresholds">Spend thresholds</h2>
${table({
  caption: 'Spend thresholds, and how much of each the invoice so far comes to, before tax',
  empty: '',
  rows,
  columns: [
    {
      head: 'Threshold',
      isHead: true,
      cell: ({ threshold_id, cents }) =>
        markup`<a href="${thresholdsHref}">${threshold_id}</a>${cents === null ? '' : bar(smaller(spent, cents), cents)}`,
    },
    {
      head: 'Amount',
      isFigure: true,
      cell: ({ cents, currency }) => (cents === null ? 'no plan' : formatMoney(cents, currency)),
    },
    {
      head: 'So far, before tax',
      isFigure: true,
      cell: ({ cents, currency }) =>
        markup`${formatMoney(spent, currency)}${cents === null ? '' : markup`<span class="sub">${percentOf(spent, cents)} %</span>`}`,
    },
  ],
})}`;
}

function smaller(a: string, b: string): string {
  return BigInt(a) < BigInt(b) ? a : b;
}

function invoiceSection({
  invoice_so_far: soFar,
  projection,
  currency,
  period,
}: RunningMonthJson): Markup {
  if (soFar === null) return markup``;
  const month = formatMonth(period.month);
  const invoice = (caption: string, { lines, ...totals }: SoFar) => {
    const sums: LinesTotals = { currency, ...totals };
    return linesTable(caption, lines, sums);
  };
  return markup`<h2 id="invoice">Invoice so far</h2>
<p class="hint">What would be invoiced if ${month} ended now, by the same rules as the invoice.</p>
${invoice(`Lines of the invoice of ${month} so far`, soFar)}${
    projection === null
      ? ''
      : markup`<details><summary>Expected at the end of ${month}</summary>
<p class="hint">A linear projection: the usage of ${month}, scaled from the time in service so far to the whole month. Base prices and addons are those of the whole month in both.</p>
${invoice(`Lines of the expected invoice of ${month}`, projection)}</details>
`
  }`;
}

/** `"0.5161"` → `51 %`. */
function percentText(share: string): string {
  return `${Math.floor(Number(share) * 100)} %`;
}
