import type { EventBehindLine, LineUsage } from '../../../db/usage/provenance.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { formatAmount, formatMoney, formatUsage, groupDigits } from '../../../domain/format.ts';
import type { AttributeSum } from '../../../db/usage/usage-breakdown.ts';
import { showModels } from '../../../display/model-text.ts';
import { badge } from './badge.ts';
import { field } from './form-fields.ts';
import { minute } from './page-format.ts';
import { documentsStart } from './document-place.ts';
import { layout, type Visitor } from './layout.ts';
import { table } from './html-table.ts';

export interface LineUsageView {
  readonly visitor: Visitor;
  /** The invoice or adjustment note of the line. */
  readonly document: { readonly href: string; readonly text: string };
  readonly line: LineUsage;
  readonly events: readonly EventBehindLine[];
  readonly nextHref: string | null;
  /** The sums by an attribute that was asked for; null: none was. */
  readonly byAttribute: { readonly name: string; readonly sums: readonly AttributeSum[] } | null;
}

/** Renders the usage events of a line of an invoice or an adjustment note. */
export function lineUsagePage({
  visitor,
  document,
  line,
  events,
  nextHref,
  byAttribute,
}: LineUsageView): string {
  const currency = line.source === 'llm' ? line.currency : null;
  return layout({
    title: `Usage of line ${line.line_no}`,
    visitor,
    trail: [documentsStart(visitor), document],
    main: markup`<p>${line.description}</p>
<dl class="facts">
<div><dt>Billed events</dt><dd>${groupDigits(line.events)}</dd></div>
<div><dt>Excluded</dt><dd>${groupDigits(line.excluded_events)}</dd></div>
<div><dt>Exact sum${line.source === 'llm' ? '' : `, ${line.unit}`}</dt><dd>${formatUsage(line.exact_sum, currency)}</dd></div>
<div><dt>Amount</dt><dd>${formatMoney(line.amount_cents, line.currency)}</dd></div>
</dl>
<p class="hint">${
      line.digest === null
        ? 'The events have expired; only their count and sum are kept.'
        : markup`SHA-256 of all events: <code>${line.digest}</code>`
    }</p>
<ul class="links"><li><a href="${document.href}/lines/${line.line_no}/usage.csv" download>Download all events as CSV</a></li>${line.by_model === null ? '' : markup`<li><a href="${document.href}/lines/${line.line_no}/usage.csv?by=model" download>Download the sums by model as CSV</a></li>`}</ul>
${line.by_model === null ? '' : markup`${breakdown(line.by_model, line.currency)}${attributes(line, byAttribute)}`}<h2>Events</h2>
${table({
  caption: 'Events, ordered by id',
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
  ],
})}${nextHref === null ? '' : markup`<p><a href="${nextHref}" rel="next">Next page</a></p>\n`}`,
  });
}

function breakdown(models: NonNullable<LineUsage['by_model']>, currency: string): Markup {
  return markup`<h2>By model</h2>
${table({
  caption: 'Usage by model',
  empty: 'No usage counts.',
  rows: showModels(models, currency),
  columns: [
    { head: 'Model', isHead: true, cell: ({ name }) => name },
    { head: 'Requests', isFigure: true, cell: ({ requests }) => requests },
    { head: 'Share', isFigure: true, cell: ({ share }) => share },
    { head: currency, isFigure: true, cell: ({ amount }) => amount },
  ],
})}`;
}

function attributes(
  { currency, expired_at }: LineUsage,
  byAttribute: LineUsageView['byAttribute'],
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

function detailOf({ model, input_tokens, output_tokens, replaces }: EventBehindLine): Markup {
  const tokens =
    input_tokens === null && output_tokens === null
      ? ''
      : `${groupDigits(input_tokens ?? 0)} in, ${groupDigits(output_tokens ?? 0)} out`;
  return markup`${model ?? ''}<span class="sub">${replaces === null ? tokens : `replaces ${replaces}`}</span>`;
}
