import { formatDate, formatMonth } from '../../../display/dates.ts';
import { OTHER_MODELS_TEXT } from '../../../display/model-text.ts';
import { humanise } from '../../../display/names.ts';
import type { DailyFigures } from '../../../domain/daily-figures.ts';
import { counted, formatAmount, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { DailyUsage } from '../daily-usage.ts';
import { swatch, type Part } from './bars.ts';
import { dayChart, type ChartDay } from './day-chart.ts';
import { table, type Column } from './html-table.ts';
import { minute, roundedMoney, roundedQuantity } from './page-format.ts';

export interface DailyView {
  readonly month: string;
  readonly timeZone: string;
  readonly usage: DailyUsage;
  /** The path that the pages of months of usage are below. */
  readonly usageHref: string;
  /** What the tenant's plans call resource kinds; others are called by their code in words. */
  readonly names?: ReadonlyMap<string, string>;
}

/** Renders usage by day; while it is computed, a region that refreshes. */
export function dailySection(view: DailyView): Markup {
  const isComputing = view.usage.state === 'computing';
  return markup`<h2 id="days">By day</h2>
<div${isComputing ? markup` data-live="${view.usageHref}/${view.month}/live"` : ''}>${dailyLive(view)}</div>
${isComputing ? markup`<p role="status" class="heard" data-spoken></p>\n` : ''}`;
}

/** Renders the part that refreshes. */
export function dailyLive(view: DailyView): Markup {
  const { month, timeZone, usage, usageHref, names = new Map() } = view;
  switch (usage.state) {
    case 'computing':
      return markup`<p class="note" data-say="The usage by day is being added up">The usage by day is being added up. It appears here in a moment.</p>
`;
    case 'failed':
      return markup`<p class="note" data-ended>The usage by day can’t be shown at the moment. Reload this page in a minute.</p>
`;
    case 'ready':
      return dailyFigures(
        { llm: usage.figures.llm, kinds: usage.figures.kinds.map(nameKind(names)) },
        month,
        markup`Days of the time zone ${timeZone}, as of ${minute(usage.asOf.toISOString(), timeZone)}. Excluded events don’t count. Figures are rounded; the <a href="${usageHref}/${month}.csv" download>CSV file</a> is exact.`,
      );
  }
}

function nameKind(names: ReadonlyMap<string, string>) {
  return (kind: DailyFigures['kinds'][number]): Kind => ({
    ...kind,
    name: names.get(kind.resourceKind) ?? humanise(kind.resourceKind),
  });
}

interface ShownFigures {
  readonly llm: DailyFigures['llm'];
  readonly kinds: readonly Kind[];
}

/**
 * Renders the charts of a month's days, and a table with the same figures.
 * @param about says what the figures are
 * @param hrefOf returns the link of a date in the table; null: dates are no links
 */
export function dailyFigures(
  { llm, kinds }: ShownFigures,
  month: string,
  about: Markup,
  hrefOf: ((date: string) => string) | null = null,
): Markup {
  if (llm === null && kinds.length === 0) {
    return markup`<p class="empty" data-ended>No usage in ${formatMonth(month)}.</p>
`;
  }
  return markup`<p class="hint" data-ended>${about}</p>
<div class="columns">
${llm === null ? '' : llmChart(llm, month)}${kinds.map((kind) => kindChart(kind, month))}</div>
<details><summary>Figures by day</summary>
${dayTable({ llm, kinds }, month, hrefOf)}</details>
`;
}

type Llm = NonNullable<DailyFigures['llm']>;
type Kind = DailyFigures['kinds'][number] & { readonly name: string };

function llmChart({ currency, models, days }: Llm, month: string): Markup {
  const parts = models.map((model, index) => ({ model, part: partOf(model, index) }));
  const chartDays = days.map(({ requests, exactCents, byModel }, index): ChartDay => ({
    parts: parts.map(({ part }, at) => ({ part, value: byModel[at] ?? '0' })),
    title: `${formatDate(dateOf(month, index))}: ${roundedMoney(exactCents, currency)}, ${counted(requests, 'request')}`,
  }));
  const legend = parts.map(
    ({ model, part }) => markup`<li>${swatch(part)} ${model ?? OTHER_MODELS_TEXT}</li>`,
  );
  return markup`<figure class="chart-frame whole"><figcaption>LLM charges by model, ${currency}</figcaption>
${dayChart(chartDays, (value) => formatAmount(value, currency))}<ul class="legend">${legend}</ul></figure>
`;
}

function partOf(model: string | null, index: number): Part {
  // As many colours as models that are shown.
  return model === null ? 'rest' : ((index + 1) as Part);
}

function kindChart({ name, days }: Kind, month: string): Markup {
  const chartDays = days.map((value, index): ChartDay => ({
    parts: [{ part: 1, value }],
    title: `${formatDate(dateOf(month, index))}: ${roundedQuantity(value)}`,
  }));
  return markup`<figure class="chart-frame"><figcaption>${name}</figcaption>
${dayChart(chartDays, groupDigits)}</figure>
`;
}

function dayTable(
  { llm, kinds }: ShownFigures,
  month: string,
  hrefOf: ((date: string) => string) | null,
): Markup {
  const count = llm?.days.length ?? kinds[0]?.days.length ?? 0;
  const rows = Array.from({ length: count }, (_, index) => index).filter(
    (index) =>
      (llm?.days[index]?.requests ?? 0) > 0 ||
      (llm?.days[index]?.exactCents ?? '0') !== '0' ||
      kinds.some(({ days }) => days[index] !== '0'),
  );
  return table<number>({
    caption: `Usage of ${formatMonth(month)} by day`,
    empty: '',
    rows,
    columns: [
      {
        head: 'Day',
        isHead: true,
        cell: (index) => {
          const date = dateOf(month, index);
          if (hrefOf === null) return formatDate(date);
          return markup`<a href="${hrefOf(date)}">${formatDate(date)}</a>`;
        },
      },
      ...(llm === null ? [] : llmColumns(llm)),
      ...kinds.map(({ name, days }): Column<number> => ({
        head: name,
        isFigure: true,
        cell: (index) => roundedQuantity(days[index] ?? '0'),
      })),
    ],
  });
}

function llmColumns({ currency, models, days }: Llm): readonly Column<number>[] {
  return [
    {
      head: 'LLM requests',
      isFigure: true,
      cell: (index) => groupDigits(days[index]?.requests ?? 0),
    },
    {
      head: 'LLM charges',
      isFigure: true,
      cell: (index) => roundedMoney(days[index]?.exactCents ?? '0', currency),
    },
    ...models.map((model, at): Column<number> => ({
      head: model ?? OTHER_MODELS_TEXT,
      isFigure: true,
      cell: (index) => roundedMoney(days[index]?.byModel[at] ?? '0', currency),
    })),
  ];
}

function dateOf(month: string, index: number): string {
  return `${month}-${String(index + 1).padStart(2, '0')}`;
}
