import type { EventBehindLine, LineUsage } from '../../../db/usage/provenance.ts';
import type { EventOrder } from '../../../db/usage/sorted-events.ts';
import type { AttributeSum } from '../../../db/usage/usage-breakdown.ts';
import { formatDate } from '../../../display/dates.ts';
import { usageLineName } from '../../../display/line-text.ts';
import { showModels } from '../../../display/model-text.ts';
import type { DailyFigures } from '../../../domain/daily-figures.ts';
import { formatAmount, formatMoney, formatUsage, groupDigits } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { dailyFigures } from './daily-html.ts';
import { doneNote, type Done } from './done-note.ts';
import { exclusionColumn, type ExclusionColumn } from './exclusion-column.ts';
import { documentsStart } from './document-place.ts';
import { field } from './form-fields.ts';
import { nextLink, table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { minute } from './page-format.ts';

export interface LineUsageView {
  readonly visitor: Visitor;
  /** The invoice or adjustment note of the line. */
  readonly document: { readonly href: string; readonly text: string };
  readonly line: LineUsage;
  /** Which events are listed, and how. */
  readonly filter: {
    readonly order: EventOrder;
    readonly day?: string | undefined;
    readonly model?: string | undefined;
  };
  readonly events: readonly EventBehindLine[];
  /** Whether there are more events than the list can show. */
  readonly isCut: boolean;
  /** How operators exclude events; null for tenants. */
  readonly exclusion: ExclusionColumn | null;
  /** What an operator has just done. */
  readonly done: Done | undefined;
  readonly nextHref: string | null;
  /** What is summed from the events; null on later pages. */
  readonly sums: {
    /** Null once the events have expired. */
    readonly days: DailyFigures | null;
    /** By an attribute that was asked for; null: none was. */
    readonly byAttribute: { readonly name: string; readonly sums: readonly AttributeSum[] } | null;
  } | null;
}

/** Renders the usage events of a line of an invoice or an adjustment note. */
export function lineUsagePage(view: LineUsageView): string {
  const { visitor, document, line, sums } = view;
  return layout({
    title: `Usage of line ${line.line_no}`,
    visitor,
    trail: [documentsStart(visitor), document],
    main: markup`${doneNote(view.done)}<p>${usageLineName(line)}</p>
${sums === null ? markup`<p><a href="${lineHref(view)}">Sums, and the first events</a></p>\n` : sumsOf(view, sums)}<h2 id="events">Events</h2>
${filterForm(view)}${eventsTable(view)}`,
  });
}

function lineHref({ document, line }: Pick<LineUsageView, 'document' | 'line'>): string {
  return `${document.href}/lines/${line.line_no}`;
}

/** Returns the link to a part of the events. */
function eventsHref(
  view: LineUsageView,
  part: { readonly day: string } | { readonly model: string },
) {
  return `${lineHref(view)}?${new URLSearchParams(part).toString()}#events`;
}

function sumsOf(view: LineUsageView, sums: NonNullable<LineUsageView['sums']>): Markup {
  const { line } = view;
  const { source, digest, by_model, currency } = line;
  const isLlm = source === 'llm';
  const csv = `${lineHref(view)}/usage.csv`;
  return markup`<dl class="facts">
<div><dt>Billed events</dt><dd>${groupDigits(line.events)}</dd></div>
<div><dt>Excluded</dt><dd>${groupDigits(line.excluded_events)}</dd></div>
<div><dt>${isLlm ? 'Sum before rounding' : 'Total quantity'}</dt><dd>${formatUsage(line.exact_sum, isLlm ? currency : null)}</dd></div>
<div><dt>Amount</dt><dd>${formatMoney(line.amount_cents, currency)}</dd></div>
</dl>
<p class="hint">${
    digest === null
      ? 'The events have expired; only their count and sum are kept.'
      : markup`SHA-256 of all events: <code>${digest}</code>`
  }</p>
<ul class="links"><li><a href="${csv}" download>Download all events as CSV</a></li>${by_model === null ? '' : markup`<li><a href="${csv}?by=model" download>Download the sums by model as CSV</a></li>`}</ul>
${by_model === null ? '' : models(view, by_model)}${sums.days === null ? '' : days(view, sums.days)}${by_model === null ? '' : attributes(line, sums.byAttribute)}`;
}

function models(view: LineUsageView, sums: NonNullable<LineUsage['by_model']>): Markup {
  const { currency } = view.line;
  const shown = showModels(sums, currency);
  return markup`<h2 id="models">By model</h2>
${table({
  caption: 'Usage by model',
  empty: 'No usage counts.',
  rows: shown.map((model, index) => ({ ...model, id: sums[index]?.model ?? null })),
  columns: [
    {
      head: 'Model',
      isHead: true,
      cell: ({ id, name }) =>
        id === null ? name : markup`<a href="${eventsHref(view, { model: id })}">${name}</a>`,
    },
    { head: 'Requests', isFigure: true, cell: ({ requests }) => requests },
    { head: 'Share', isFigure: true, cell: ({ share }) => share },
    { head: currency, isFigure: true, cell: ({ amount }) => amount },
  ],
})}`;
}

function days(view: LineUsageView, { llm, kinds }: DailyFigures): Markup {
  const { line, visitor } = view;
  const name = usageLineName(line);
  return markup`<h2 id="days">By day</h2>
${dailyFigures(
  { llm, kinds: kinds.map((kind) => ({ ...kind, name })) },
  line.service_month,
  markup`Days of the time zone ${visitor.timeZone}. Excluded events don’t count. Figures are rounded.`,
  (day) => eventsHref(view, { day }),
)}`;
}

function attributes(
  { currency, expired_at }: LineUsage,
  byAttribute: NonNullable<LineUsageView['sums']>['byAttribute'],
): Markup {
  if (expired_at !== null) return markup``;
  const sums =
    byAttribute &&
    table({
      caption: `Usage by ${byAttribute.name}`,
      empty: 'No usage counts.',
      rows: byAttribute.sums,
      columns: [
        {
          head: byAttribute.name,
          isHead: true,
          cell: ({ value, is_rest }) => value ?? (is_rest ? 'All others' : 'None'),
        },
        { head: 'Requests', isFigure: true, cell: ({ requests }) => groupDigits(requests) },
        {
          head: currency,
          isFigure: true,
          cell: ({ exact_cents }) => formatAmount(exact_cents, currency).replace('-', '−'),
        },
      ],
    });
  return markup`<h2>By attribute</h2>
<form class="filter" method="get">
${field({
  id: 'by',
  label: 'Attribute',
  mistakes: [],
  input: (given) => markup`<input ${given} name="by" value="${byAttribute?.name ?? ''}" required>`,
})}<button class="quiet">Sum</button>
</form>
${sums ?? ''}`;
}

const ORDERS: Readonly<Record<EventOrder, string>> = {
  largest: 'largest first',
  latest: 'latest first',
};

function filterForm(view: LineUsageView): Markup {
  const { line, filter } = view;
  if (line.expired_at !== null) return markup``;
  const orders = Object.entries(ORDERS).map(([order, name]) =>
    option(order, name, order === filter.order),
  );
  const models = (line.by_model ?? []).flatMap(({ model }) =>
    model === null ? [] : option(model, model, model === filter.model),
  );
  return markup`<form class="filter" method="get" action="${lineHref(view)}#events" aria-label="Events">
<div class="field"><label for="order">Order</label><select id="order" name="order">${orders}</select></div>
<div class="field"><label for="day">Day</label><input id="day" name="day" type="date" value="${filter.day ?? ''}"></div>
${models.length === 0 ? '' : markup`<div class="field"><label for="model">Model</label><select id="model" name="model"><option value="">any</option>${models}</select></div>\n`}<button class="quiet">Apply</button>
</form>
`;
}

function option(value: string, name: string, isChosen: boolean): Markup {
  return markup`<option value="${value}"${isChosen ? markup` selected` : ''}>${name}</option>`;
}

function eventsTable(view: LineUsageView): Markup {
  const { visitor, line, filter, events, exclusion, isCut, nextHref } = view;
  const currency = line.source === 'llm' ? line.currency : null;
  const { order, day, model } = filter;
  const part = [day !== undefined && `of ${formatDate(day)}`, model !== undefined && `by ${model}`];
  return markup`${table({
    caption: [['Events', ...part.filter(Boolean)].join(' '), ORDERS[order]].join(', '),
    hasVisibleCaption: true,
    empty: 'No events to show.',
    rows: events,
    columns: [
      {
        head: 'Event',
        isHead: true,
        cell: ({ event_id, is_excluded }) =>
          markup`<span class="id">${event_id}</span>${is_excluded ? markup` ${badge('plain', 'excluded')}` : ''}`,
      },
      { head: 'Occurred', cell: ({ occurred_at }) => minute(occurred_at, visitor.timeZone) },
      {
        head: 'Received',
        cell: ({ received_at }) => minute(received_at, visitor.timeZone),
      },
      { head: 'Details', cell: detailOf },
      {
        head: currency ?? 'Quantity',
        isFigure: true,
        cell: ({ amount }) =>
          (currency === null ? groupDigits(amount) : formatAmount(amount, currency)).replace(
            '-',
            '−',
          ),
      },
      ...exclusionColumn(exclusion),
    ],
  })}${isCut ? markup`<p class="hint">This list has at most 1,000 events. The CSV file has all of them.</p>\n` : ''}${nextLink(nextHref, 'Next page')}`;
}

function detailOf({ model, input_tokens, output_tokens, replaces }: EventBehindLine): Markup {
  const tokens =
    input_tokens === null && output_tokens === null
      ? ''
      : `${groupDigits(input_tokens ?? 0)} in, ${groupDigits(output_tokens ?? 0)} out`;
  return markup`${model ?? ''}<span class="sub">${replaces === null ? tokens : `replaces ${replaces}`}</span>`;
}
