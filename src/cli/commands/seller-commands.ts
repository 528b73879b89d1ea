import { Command } from 'commander';
import { applySeller } from '../../catalogue/apply-seller.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { describeInputFile, readInputFile } from '../read-input-file.ts';
import { operatorAction } from '../record-action.ts';
import { print } from '../output.ts';
import { readSeller, type SellerVersion } from '../../db/catalogue/seller-details.ts';
import { formatAbn } from '../../domain/abn.ts';
import { counted } from '../../domain/format.ts';

export function sellerApplyCommand(): Command {
  return new Command('apply')
    .description('import the seller details on invoices from a JSON file')
    .argument('<file>', 'seller file')
    .addHelpText(
      'after',
      `
Sets the legal name, ABN, address and payment details, and the settings release ("immediate", or "review":
tenants see a month once an operator has released it), payment_days (14 by default) and xero. They apply to
invoices issued from now on; earlier invoices keep theirs. Applying the same file again changes nothing.

Example:
  npm run cli -- seller apply demo/seller.json`,
    )
    .action(async (path: string, _options, command: Command) => {
      const file = await readInputFile(path);
      const { version, isNew } = await operatorAction(
        command,
        readEnvironment(process.env),
        (db) => applySeller(db, file),
        describeInputFile(file),
      );
      print(command, { version, change: isNew ? 'created' : 'unchanged' }, ({ version }) =>
        isNew
          ? `Seller details version ${version} is in force.`
          : `Seller details version ${version} is already in force; nothing changed.`,
      );
    });
}

export function sellerShowCommand(): Command {
  return new Command('show')
    .description('show the seller details for the next invoices')
    .addHelpText('after', '\nExample:\n  npm run cli -- seller show')
    .action(async (_options, command: Command) => {
      const seller = await withDatabase(readEnvironment(process.env), readSeller);
      print(command, seller, (seller) =>
        seller === null
          ? 'There are no seller details yet. Set them with `seller apply FILE`.'
          : renderSeller(seller),
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
    `Release: ${seller.release}; due after ${counted(seller.payment_days, 'day')}; Xero accounts: ${seller.xero === null ? 'not set' : 'set'}`,
    `Version ${seller.version}, recorded ${seller.recorded_at}`,
  ]
    .filter(Boolean)
    .join('\n');
}
