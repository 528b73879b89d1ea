import type { Seller } from '../db/catalogue/seller-details.ts';
import type { DocumentSource } from '../db/invoices/invoice-documents.ts';
import { formatDate } from '../display/dates.ts';
import { formatAbn } from '../domain/abn.ts';
import type { DocumentLine, Fact, LineGroup, Party } from './billing-document.ts';

/** The parts that invoices and adjustment notes have in common. */

/** Returns the seller. Its ABN is required on tax invoices and on adjustment notes. */
export function sellerParty({ legal_name, trading_name, abn, address, email }: Seller): Party {
  return {
    role: 'From',
    name: legal_name,
    lines: [
      ...(trading_name === null || trading_name === legal_name
        ? []
        : [`trading as ${trading_name}`]),
      `ABN ${formatAbn(abn)}`,
      ...address,
      ...(email === null ? [] : [email]),
    ],
  };
}

/** Returns the buyer. @param withoutAbn shown in place of a missing ABN; null: nothing */
export function buyerParty(
  { buyer, buyer_name, tenant_id }: DocumentSource,
  withoutAbn: string | null,
): Party {
  const missing = withoutAbn === null ? [] : [withoutAbn];
  return {
    role: 'To',
    name: buyer?.legal_name ?? buyer_name,
    lines: [
      ...(buyer?.abn ? [`ABN ${formatAbn(buyer.abn)}`] : missing),
      ...(buyer?.contact ? [buyer.contact] : []),
      ...(buyer?.address ?? []),
      ...(buyer?.email ? [buyer.email] : []),
      `Account ${tenant_id}`,
    ],
  };
}

/** Returns when a document was issued and the month that it is for. */
export function datesOf({ issued_on, period_start, period_end }: DocumentSource): Fact[] {
  return [
    { label: 'Date of issue', value: formatDate(issued_on) },
    { label: 'Service period', value: `${formatDate(period_start)} to ${formatDate(period_end)}` },
  ];
}

/** Heads the lines of invoice items. */
const WITHOUT_DEPLOYMENT = 'Other charges and credits';

/** Returns the lines, without tax, by deployment. */
export function groupLines(
  { lines }: DocumentSource,
  toLine: (line: DocumentSource['lines'][number]) => DocumentLine,
): LineGroup[] {
  const goods = lines.filter(({ kind }) => kind !== 'tax');
  return [...Map.groupBy(goods, ({ deployment_id }) => deployment_id)].map(
    ([deploymentId, ofDeployment]) => ({
      heading: deploymentId ?? WITHOUT_DEPLOYMENT,
      lines: ofDeployment.map(toLine),
    }),
  );
}

/** Returns the sentence about the currency of amounts. */
export function currencyNote({ currency, tax }: DocumentSource): string {
  return `All amounts are in ${currency}${tax.aud === null ? '' : ' unless another currency is named'}.`;
}
