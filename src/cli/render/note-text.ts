import type { InvoiceLine } from '../../db/invoices/invoice-views.ts';
import type { NoteHeader, NoteView } from '../../db/invoices/note-views.ts';
import { toPlainText } from '../../display/line-text.ts';
import {
  noteEffect,
  noteTaxNotes,
  noteTotalRows,
  plainNoteLineText,
  type NoteLineText,
} from '../../display/note-text.ts';
import { formatAmount } from '../../domain/format.ts';
import { TOTAL_COLUMNS } from './invoice-text.ts';
import { style } from './styled-text.ts';
import { indent, renderTable, type Column } from './text-table.ts';

const LINE_COLUMNS: readonly Column<{ readonly line: InvoiceLine; readonly text: NoteLineText }>[] =
  [
    { head: '#', align: 'right', value: ({ line }) => line.line_no },
    { head: 'deployment', value: ({ line }) => line.deployment_id },
    { head: 'line', wrap: true, value: ({ text }) => [text.name, ...text.details].join('\n') },
    { head: 'before', align: 'right', value: ({ text }) => text.before },
    { head: 'after', align: 'right', value: ({ text }) => text.after },
    { head: 'difference', align: 'right', value: ({ text }) => text.difference },
  ];

/** The whole adjustment note as plain text. */
export function renderNote(note: NoteView): string {
  const { number, tenant_id, currency, request, reason } = note;
  const effect = noteEffect(note);
  return [
    `${style('bold', `Adjustment note ${number}`)} · ${tenant_id} · ${note.period_start} to ${note.period_end}`,
    `adjusts ${note.adjusts_number}, issued ${note.issued_on}, id ${note.adjustment_note_id}`,
    `${note.origin === 'credit' ? 'credit' : 'rerun'} (${request === null ? '' : `${request.actor}: `}${reason})`,
    '',
    indent(
      renderTable(
        LINE_COLUMNS,
        note.lines.map((line) => ({ line, text: plainNoteLineText(line, currency) })),
      ),
    ),
    indent(renderTable(TOTAL_COLUMNS, noteTotalRows(note))),
    '',
    ...(effect === null ? [] : [`${toPlainText(effect)}.`]),
    ...noteTaxNotes(note),
  ].join('\n');
}

/** A table of adjustment notes, in the given order. */
export function renderNotes(notes: readonly NoteHeader[]): string {
  return renderTable<NoteHeader>(
    [
      { head: 'number', value: (note) => note.number },
      { head: 'month', value: (note) => note.period_start.slice(0, '2026-05'.length) },
      { head: 'adjusts', value: (note) => note.adjusts_number },
      { head: 'origin', value: (note) => note.origin },
      { head: 'total', align: 'right', value: (n) => formatAmount(n.total_cents, n.currency) },
      { head: 'currency', value: (note) => note.currency },
      { head: 'issued', value: (note) => note.issued_on },
      { head: 'reason', wrap: true, value: (note) => note.reason },
    ],
    notes,
    'No adjustment notes match.',
  );
}
