import { Command } from 'commander';
import { applySeller } from '../../catalogue/apply-seller.ts';
import { readEnvironment } from '../environment.ts';
import { describeFeedFile, readFeedFile } from '../feed-file.ts';
import { operatorAction } from '../operator-action.ts';
import { print } from '../output.ts';

export function sellerApplyCommand(): Command {
  return new Command('apply')
    .description('take in who sells, for the documents of invoices, from a JSON file')
    .argument('<file>', 'the seller file')
    .addHelpText(
      'after',
      `
Legal name, ABN, address and how to pay. Invoices that are issued from now on have it; the documents of
those of before keep what they say. Applying the same again changes nothing.

Example:
  npm run cli -- seller apply demo/seller.json`,
    )
    .action(async (path: string, _options, command: Command) => {
      const file = await readFeedFile(path);
      const { version, isNew } = await operatorAction(
        command,
        readEnvironment(process.env),
        (db) => applySeller(db, file),
        describeFeedFile(file),
      );
      print(command, { version, change: isNew ? 'created' : 'unchanged' }, ({ version }) =>
        isNew ? `Version ${version} is in force.` : `Version ${version} says the same already.`,
      );
    });
}
