import type { FoundDocument } from '../../../db/invoices/document-search.ts';
import type { TenantRow } from '../../../db/invoices/tenant-list.ts';
import { formatMonth } from '../../../display/dates.ts';
import { signedAmount } from '../../../display/line-text.ts';
import { formatMoney } from '../../../domain/format.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { invoiceStatus } from './badge.ts';
import { table } from './html-table.ts';
import { layout, type Visitor } from './layout.ts';
import { invoiceHref, noteHref, tenantHref } from './places.ts';
import { tenantsTable } from './tenants-html.ts';

export interface SearchView {
  readonly visitor: Visitor;
  /** What was searched for; empty: nothing yet. */
  readonly search: string;
  readonly tenants: readonly TenantRow[];
  /** The list of all tenants that match; null if these are all. */
  readonly moreTenantsHref: string | null;
  readonly documents: readonly FoundDocument[];
  /** Whether there are more documents. */
  readonly hasMoreDocuments: boolean;
}

/** Renders what a search has found. */
export function searchPage(view: SearchView): string {
  const { visitor, search, tenants, moreTenantsHref, documents, hasMoreDocuments } = view;
  const found = markup`<h2 id="tenants">Tenants</h2>
${tenantsTable({ caption: 'Tenants that match, by id', empty: 'No tenants match.', tenants, visitor })}${moreTenantsHref === null ? '' : markup`<p><a href="${moreTenantsHref}">All tenants that match</a></p>\n`}<h2 id="documents">Invoices and adjustment notes</h2>
${documentsTable(documents, visitor)}${hasMoreDocuments ? markup`<p class="hint">More numbers begin like this. Enter more of the number.</p>\n` : ''}`;
  return layout({
    title: search === '' ? 'Search' : `Search: ${search}`,
    visitor,
    search,
    main: markup`<p class="soft">Finds tenants by a part of their id or name, and invoices and adjustment notes by the beginning of their number.</p>
${search === '' ? '' : found}`,
  });
}

/** Returns the path of the page of a document. */
export function documentHref(
  visitor: Visitor,
  { kind, id }: Pick<FoundDocument, 'kind' | 'id'>,
): string {
  return kind === 'invoice' ? invoiceHref(visitor, id) : noteHref(visitor, id);
}

function documentsTable(documents: readonly FoundDocument[], visitor: Visitor): Markup {
  return table<FoundDocument>({
    caption: 'Invoices and adjustment notes that match, by number',
    empty: 'No numbers begin like this.',
    rows: documents,
    columns: [
      {
        head: 'Number',
        isHead: true,
        cell: (found) => markup`<a href="${documentHref(visitor, found)}">${found.number}</a>`,
      },
      {
        head: 'Tenant',
        cell: ({ tenant_id, name }) =>
          markup`<a href="${tenantHref(tenant_id)}">${name}</a><span class="sub id">${tenant_id}</span>`,
      },
      { head: 'Month', cell: ({ period_start }) => formatMonth(period_start) },
      {
        head: 'Total',
        isFigure: true,
        cell: ({ kind, total_cents, currency }) =>
          kind === 'invoice'
            ? formatMoney(total_cents, currency)
            : `${currency} ${signedAmount(total_cents, currency)}`,
      },
      {
        head: 'Status',
        cell: ({ kind, status }) =>
          kind === 'invoice' ? invoiceStatus(status) : 'adjustment note',
      },
    ],
  });
}
