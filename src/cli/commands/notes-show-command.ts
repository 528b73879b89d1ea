import { Command } from 'commander';
import { readEnvironment, withDatabase } from '../environment.ts';
import { print } from '../output.ts';
import { requireNote } from '../preconditions.ts';
import { renderNote } from '../render/note-text.ts';

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
