import type { BuyerVersion } from '../../../db/catalogue/buyer-details.ts';
import type { TenantTax } from '../../../db/tax/tax-views.ts';
import { formatMonth } from '../../../display/dates.ts';
import { describeTreatment } from '../../../domain/invoice-totals.ts';
import { markup, type Markup } from '../../../lib/markup.ts';
import { badge } from './badge.ts';
import { table } from './html-table.ts';
import { minute } from './page-format.ts';

/** How a tenant is taxed, and what its documents say of it. */

/** Renders the tax treatments of a tenant, by month. */
export function taxSection(treatments: readonly TenantTax[]): Markup {
  const isDefault = treatments.length === 0;
  return markup`<h2 id="tax">Tax treatment</h2>
<p>${isDefault ? 'In all months' : 'In earlier months'} the default, <code>gst</code>.</p>
${
  isDefault
    ? ''
    : table<TenantTax>({
        caption: 'Tax treatments, by the first month that is taxed by them',
        empty: '',
        rows: treatments,
        columns: [
          { head: 'From', isHead: true, cell: ({ from }) => formatMonth(from) },
          { head: 'Treatment', cell: ({ code }) => markup`<code>${code}</code>` },
          { head: 'Tax', cell: describeTreatment },
          { head: 'Printed', cell: ({ note }) => note ?? '' },
        ],
      })
}`;
}

/** Renders the versions of a tenant's buyer details, the current one first. */
export function buyerSection(
  versions: readonly BuyerVersion[],
  timeZone: string,
  hasMore: boolean,
): Markup {
  const [current] = versions;
  return markup`<h2 id="buyer">Buyer details</h2>
${table<BuyerVersion>({
  caption: 'Versions of the buyer details, the current one first',
  empty: 'None are recorded: documents have only the tenant’s name.',
  rows: versions,
  columns: [
    {
      head: 'Version',
      isHead: true,
      cell: (buyer) =>
        markup`${buyer.version} ${buyer === current ? badge('good', 'current') : ''}<span class="sub">${minute(buyer.recorded_at, timeZone)}</span>`,
    },
    { head: 'Legal name', cell: ({ legal_name }) => legal_name },
    { head: 'ABN', cell: ({ abn }) => abn ?? '' },
    { head: 'Address', cell: ({ address }) => (address ?? []).join(', ') },
    {
      head: 'Contact',
      cell: ({ contact, email }) => [contact, email].filter(Boolean).join(', '),
    },
  ],
})}${hasMore ? markup`<p class="hint">Earlier versions are not shown.</p>\n` : ''}`;
}
