import type { EventBehindLine, LineUsage } from '../../../db/usage/provenance.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { formatAmount, formatMoney, formatUsage, groupDigits } from '../../../domain/format.ts';
import { badge } from './badge.ts';
import { minute } from './page-format.ts';
import { layout, type Visitor } from './layout.ts';
import { table } from './html-table.ts';

export interface LineUsageView {
  readonly visitor: Visitor;
  /** The invoice or adjustment note of the line. */
  readonly document: { readonly href: string; readonly text: string };
  readonly line: LineUsage;
  readonly events: readonly EventBehindLine[];
  readonly nextHref: string | null;
}

/** Renders the usage events of a line of an invoice or an adjustment note. */
export function lineUsagePage({
  visitor,
  document,
  line,
  events,
  nextHref,
}: LineUsageView): string {
  const currency = line.source === 'llm' ? line.currency : null;
  return layout({
    title: `Usage of line ${line.line_no}`,
    visitor,
    trail: [{ href: '/operator/months', text: 'Months' }, document],
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
<ul class="links"><li><a href="${document.href}/lines/${line.line_no}/usage.csv" download>Download all events as CSV</a></li></ul>
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
      isWide: true,
      cell: ({ received_at }) => minute(received_at, visitor.timeZone),
    },
    { head: 'Details', isWide: true, cell: detailOf },
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

function detailOf({ model, input_tokens, output_tokens, replaces }: EventBehindLine): Markup {
  const tokens =
    input_tokens === null && output_tokens === null
      ? ''
      : `${groupDigits(input_tokens ?? 0)} in, ${groupDigits(output_tokens ?? 0)} out`;
  return markup`${model ?? ''}<span class="sub">${replaces === null ? tokens : `replaces ${replaces}`}</span>`;
}
