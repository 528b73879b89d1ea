import type { NoteView } from '../../../db/invoices/note-views.ts';
import { formatMonth } from '../../../display/dates.ts';
import { signedAmount } from '../../../display/line-text.ts';
import {
  noteEffect,
  noteLineText,
  noteTaxNotes,
  noteTotalRows,
  type NoteLineText,
} from '../../../display/note-text.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import type { TemporalLinks } from '../../../temporal/temporal-links.ts';
import { releasedFact } from './account-html.ts';
import { table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { nameCell } from './line-cells.ts';
import { minute } from './page-format.ts';

export interface NotePageView {
  readonly visitor: Visitor;
  readonly note: NoteView;
  readonly tenantName: string;
  readonly temporal: TemporalLinks | null;
}

/** Renders the page of an adjustment note. */
export function notePage({ visitor, note, tenantName, temporal }: NotePageView): string {
  const { adjustment_note_id: id, tenant_id, number, reason, request } = note;
  const { adjusts_number, adjusts_invoice_id, released_at } = note;
  const month = note.period_start.slice(0, 7);
  const effect = noteEffect(note);
  const invoice = `/operator/invoices/${adjusts_invoice_id}`;
  return layout({
    title: `Adjustment note ${number}`,
    visitor,
    trail: [
      { href: '/operator/months', text: 'Months' },
      { href: `/operator/months/${month}`, text: formatMonth(month) },
      { href: `/operator/months/${month}/invoices`, text: 'Invoices' },
      { href: invoice, text: `Invoice ${adjusts_number}` },
    ],
    main: markup`<dl class="facts">
<div><dt>Tenant</dt><dd>${tenantName}<span class="sub id">${tenant_id}</span></dd></div>
<div><dt>Adjusts</dt><dd><a href="${invoice}">${adjusts_number}</a></dd></div>
<div><dt>Period</dt><dd>${formatMonth(month)}</dd></div>
<div><dt>Issued</dt><dd>${minute(note.issued_at, visitor.timeZone)}</dd></div>
${releasedFact(released_at, visitor.timeZone)}
${noteTotalRows(note).map(({ label, value }) => markup`<div><dt>${label}</dt><dd>${value}</dd></div>\n`)}</dl>
<p>${ORIGINS[note.origin]}${request === null ? '' : ` by ${request.actor}`}: “${reason}”</p>
${effect === null ? '' : markup`<p>${effect}.</p>\n`}${noteTaxNotes(note).map((text) => markup`<p class="hint">${text}</p>\n`)}<ul class="links">
<li>Documents for the tenant: ${DOCUMENTS.map((format, index) => markup`${index === 0 ? '' : ', '}<a href="/operator/adjustment-notes/${id}.${format}">${format.toUpperCase()}</a>`)}</li>
${temporal === null ? '' : markup`<li><a href="${temporal.tenant(month, tenant_id)}">Workflow in the Temporal Web UI</a></li>\n`}</ul>
<h2 id="lines">Lines</h2>
${linesTable(note)}`,
  });
}

/** The formats of the tenant's documents. */
const DOCUMENTS = ['html', 'pdf', 'csv'];

const ORIGINS: Readonly<Record<NoteView['origin'], string>> = {
  rerun: 'Rerun requested',
  credit: 'Credit given',
};

function linesTable({
  adjustment_note_id: id,
  number,
  lines,
  currency,
  total_cents,
}: NoteView): Markup {
  return table({
    caption: `Lines of adjustment note ${number}`,
    empty: 'No lines.',
    rows: lines.map((line) => ({ line, text: noteLineText(line, currency) })),
    columns: [
      { head: 'Line', isFigure: true, cell: ({ line }) => line.line_no },
      {
        head: 'Description',
        isHead: true,
        cell: ({ line: { deployment_id }, text }) =>
          markup`${nameCell(text)}${deployment_id === null ? '' : markup`<span class="sub id">${deployment_id}</span>`}`,
      },
      { head: 'Before', isFigure: true, isWide: true, cell: ({ text }) => text.before },
      { head: 'After', isFigure: true, isWide: true, cell: ({ text }) => text.after },
      { head: 'Difference', isFigure: true, cell: ({ text }) => text.difference },
      { head: 'Usage', cell: ({ line, text }) => usageLink(id, line, text) },
    ],
    foot: markup`<tfoot><tr><td></td><th scope="row">Total in ${currency}</th><td class="wide"></td><td class="wide"></td><td class="figure">${signedAmount(total_cents, currency)}</td><td></td></tr></tfoot>`,
  });
}

function usageLink(
  noteId: string,
  { kind, line_no }: NoteView['lines'][number],
  { name }: NoteLineText,
): Markup | string {
  if (kind !== 'llm_usage' && kind !== 'overage') return '';
  return markup`<a href="/operator/adjustment-notes/${noteId}/lines/${line_no}">Events<span class="heard"> of line ${line_no}, ${name}</span></a>`;
}
