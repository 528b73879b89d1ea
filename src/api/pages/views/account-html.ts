import type { NoteLink, InvoiceView } from '../../../db/invoices/invoice-views.ts';
import { formatDate } from '../../../display/dates.ts';
import { signedAmount } from '../../../display/line-text.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { table } from './html-table.ts';
import { minute } from './page-format.ts';

/** What happened to an invoice after it was issued: release and adjustment notes. */

/** Renders the facts of the release. */
export function accountFacts({ released_at, due_on }: InvoiceView, timeZone: string): Markup {
  return markup`<div><dt>Released</dt><dd>${released_at === null ? badge('busy', 'waiting for release') : minute(released_at, timeZone)}</dd></div>
<div><dt>Due date</dt><dd>${due_on === null ? 'once released' : formatDate(due_on)}</dd></div>
`;
}

/** Renders the notes that adjust an invoice; nothing without notes. */
export function notesSection(
  { number, currency, adjustment_notes }: InvoiceView,
  timeZone: string,
): Markup {
  if (adjustment_notes.length === 0) return markup``;
  return markup`<h2 id="notes">Adjustment notes</h2>
${table<NoteLink>({
  caption: `Adjustment notes of invoice ${number}`,
  empty: '',
  rows: adjustment_notes,
  columns: [
    {
      head: 'Number',
      isHead: true,
      cell: ({ id, number }) => markup`<a href="/operator/adjustment-notes/${id}">${number}</a>`,
    },
    { head: 'Issued', isWide: true, cell: ({ issued_at }) => minute(issued_at, timeZone) },
    {
      head: 'Total',
      isFigure: true,
      cell: ({ total_cents }) => signedAmount(total_cents, currency),
    },
  ],
})}`;
}
