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
import { documentLinks, invoicesTrail, tenantFact } from './document-place.ts';
import { layout, type Visitor } from './layout.ts';
import { creditLink } from './credit-form.ts';
import { invoiceHref, noteHref } from './places.ts';
import { nameCell } from './line-cells.ts';
import { minute } from './page-format.ts';

export interface NotePageView {
  readonly visitor: Visitor;
  readonly note: NoteView;
  /** For operators; null on a tenant's own page. */
  readonly tenantName: string | null;
  readonly temporal: TemporalLinks | null;
}

/** Renders the page of an adjustment note. */
export function notePage(view: NotePageView): string {
  const { visitor, note, temporal } = view;
  const { adjustment_note_id: id, tenant_id, number, reason, request } = note;
  const { adjusts_number, adjusts_invoice_id, released_at } = note;
  const month = note.period_start.slice(0, 7);
  const effect = noteEffect(note);
  const invoice = invoiceHref(visitor, adjusts_invoice_id);
  return layout({
    title: `Adjustment note ${number}`,
    visitor,
    trail: [...invoicesTrail(visitor, note), { href: invoice, text: `Invoice ${adjusts_number}` }],
    main: markup`<dl class="facts">
${tenantFact({ ...view, invoice: note })}<div><dt>Adjusts</dt><dd><a href="${invoice}">${adjusts_number}</a></dd></div>
<div><dt>Period</dt><dd>${formatMonth(month)}</dd></div>
<div><dt>Issued</dt><dd>${minute(note.issued_at, visitor.timeZone)}</dd></div>
${releasedFact(released_at, visitor)}${noteTotalRows(note).map(({ label, value }) => markup`<div><dt>${label}</dt><dd>${value}</dd></div>\n`)}</dl>
<p>${request === null ? 'Reason' : `${ORIGINS[note.origin]} by ${request.actor}`}: “${reason}”</p>
${effect === null ? '' : markup`<p>${effect}.</p>\n`}${noteTaxNotes(note).map((text) => markup`<p class="hint">${text}</p>\n`)}<ul class="links">
${documentLinks(visitor, `adjustment-notes/${id}`, note.lines)}
${temporal === null ? '' : markup`<li><a href="${temporal.tenant(month, tenant_id)}">Workflow in the Temporal Web UI</a></li>\n`}</ul>
<h2 id="lines">Lines</h2>
${linesTable(note, visitor)}`,
  });
}

const ORIGINS: Readonly<Record<NoteView['origin'], string>> = {
  rerun: 'Rerun requested',
  credit: 'Credit given',
};

function linesTable(
  { adjustment_note_id: id, number, lines, currency, total_cents }: NoteView,
  visitor: Visitor,
): Markup {
  const page = noteHref(visitor, id);
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
      { head: 'Before', isFigure: true, cell: ({ text }) => text.before },
      { head: 'After', isFigure: true, cell: ({ text }) => text.after },
      { head: 'Difference', isFigure: true, cell: ({ text }) => text.difference },
      {
        head: visitor.scope === 'tenant' ? 'Usage' : 'Usage and credit',
        cell: ({ line, text }) => [
          usageLink(page, line, text),
          creditLink('adjustment-notes', id, line, visitor),
        ],
      },
    ],
    sums: [
      {
        name: `Total in ${currency}`,
        figures: { Difference: signedAmount(total_cents, currency) },
      },
    ],
  });
}

function usageLink(
  notePage: string,
  { kind, line_no }: NoteView['lines'][number],
  { name }: NoteLineText,
): Markup | string {
  if (kind !== 'llm_usage' && kind !== 'overage') return '';
  return markup`<a href="${notePage}/lines/${line_no}">Events<span class="heard"> of line ${line_no}, ${name}</span></a>`;
}
