import { Command } from 'commander';
import { applySeller } from '../../catalogue/apply-seller.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { describeFeedFile, readFeedFile } from '../feed-file.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';
import { readSeller, type SellerVersion } from '../../db/catalogue/seller-details.ts';
import { formatAbn } from '../../domain/abn.ts';

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

export function sellerShowCommand(): Command {
  return new Command('show')
    .description('show who sells, as the documents of later invoices say it')
    .addHelpText('after', '\nExample:\n  npm run cli -- seller show')
    .action(async (_options, command: Command) => {
      const seller = await withDatabase(readEnvironment(process.env), readSeller);
      print(command, seller, (seller) =>
        seller === null ? 'Nobody yet: `seller apply FILE` says who.' : renderSeller(seller),
      );
    });
}

function renderSeller(seller: SellerVersion): string {
  return [
    seller.legal_name,
    seller.trading_name && `trading as ${seller.trading_name}`,
    `ABN ${formatAbn(seller.abn)}`,
    ...seller.address,
    seller.email,
    seller.payment_terms,
    ...seller.payment_details,
    `Version ${seller.version}, recorded ${seller.recorded_at}`,
  ]
    .filter(Boolean)
    .join('\n');
}
