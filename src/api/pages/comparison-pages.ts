import { z } from 'zod';
import type { ChangeText } from '../../display/comparison-text.ts';
import { pagedBy } from '../http/paging.ts';
import { invoiceParams, requireInvoiceHeader } from '../routes/invoice-params.ts';
import { readShownComparison } from './kept-comparison.ts';
import { nextHref, page, pageQuery, pagesOfBoth } from './page-definition.ts';
import { comparisonPage } from './views/comparison-html.ts';

const CHANGES_A_PAGE = 100;
/** A charge and its place in the comparison. */
interface PlacedChange {
  readonly place: number;
  readonly change: ChangeText;
}
const readPage = pagedBy(z.int32().min(0), ({ place }: PlacedChange) => place);

/** Compares an invoice with the tenant's last one. */
export const invoiceComparison = pagesOfBoth(
  { path: '/invoices/:invoice_id/compare', params: invoiceParams, query: z.object(pageQuery) },
  async ({ params, query, visitor, caller, path }, { db }) => {
    const invoice = await requireInvoiceHeader(db, params.invoice_id, caller);
    const compared = await readShownComparison(db, invoice);
    const changes = compared.text?.changes ?? [];
    const { entries, next_cursor } = await readPage(
      { limit: CHANGES_A_PAGE, cursor: query.cursor },
      ({ after, limit }) => {
        const start = after === null ? 0 : after + 1;
        const found = changes.slice(start, start + limit);
        return Promise.resolve(found.map((change, at) => ({ change, place: start + at })));
      },
    );
    return page(
      comparisonPage({
        ...{ visitor, compared },
        changes: entries.map(({ change }) => change),
        nextHref: nextHref(path, next_cursor),
      }),
    );
  },
);
