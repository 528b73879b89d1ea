import { Command } from 'commander';
import { readSeller, type SellerVersion } from '../../db/catalogue/seller-details.ts';
import { formatAbn } from '../../domain/abn.ts';
import { readEnvironment, withDatabase } from '../environment.ts';
import { print } from '../output.ts';

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
