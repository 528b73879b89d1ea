import { Command } from 'commander';
import { listNotes } from '../../db/invoices/note-views.ts';
import { monthStart, type Month } from '../../domain/period.ts';
import { integerArgument, monthArgument } from '../arguments.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { requireInvoice, requireKnown, requireNote } from '../preconditions.ts';
import { note, print } from '../output.ts';
import { renderNote, renderNotes } from '../render/note-text.ts';

interface Options {
  readonly tenant?: string;
  readonly month?: Month;
  readonly invoice?: string;
  readonly limit: number;
}

export function notesListCommand(): Command {
  return new Command('list')
    .description('list adjustment notes, newest month first')
    .option('--tenant <id>', 'only notes of this tenant')
    .option(
      '--month <month>',
      'only notes of invoices of this month, such as 2026-05',
      monthArgument,
    )
    .option('--invoice <invoice>', 'only notes that adjust this invoice (number or id)')
    .option('--limit <count>', 'maximum number of notes', integerArgument(1, 10_000), 100)
    .addHelpText('after', '\nExample:\n  npm run cli -- notes list --month 2026-05')
    .action(async ({ tenant, month, invoice, limit }: Options, command: Command) => {
      const notes = await withDatabase(readEnvironment(process.env), async (db) => {
        await requireKnown(db, 'tenant', tenant);
        const adjusted = invoice === undefined ? null : await requireInvoice(db, invoice);
        const filter = {
          tenantId: tenant,
          periodStart: month && monthStart(month),
          invoiceId: adjusted?.invoice_id,
        };
        return listNotes(db, filter, { after: null, limit });
      });
      print(command, notes, (found) => renderNotes(found));
      if (notes.length === limit)
        note(`Showing the first ${limit} notes. Use --limit to see more.`);
    });
}

export function notesShowCommand(): Command {
  return new Command('show')
    .description('show an adjustment note with its lines')
    .argument('<note>', 'number or id of the adjustment note')
    .addHelpText('after', '\nExample:\n  npm run cli -- notes show acme-A000001')
    .action(async (idOrNumber: string, _options, command: Command) => {
      const found = await withDatabase(readEnvironment(process.env), (db) =>
        requireNote(db, idOrNumber),
      );
      print(command, found, renderNote);
    });
}
