import { markup, type Markup } from '../../../lib/markup.ts';
import { rootOf, type Link, type Visitor } from './layout.ts';
import { monthLink, tenantHref } from './places.ts';

/** Where operators and tenants find the pages and documents of an invoice or adjustment note. */

/** Returns the link to the pages that list a visitor's documents. */
export function documentsStart({ scope }: Visitor): Link {
  return scope === 'operator'
    ? { href: '/operator/months', text: 'Months' }
    : { href: '/tenant/invoices', text: 'Invoices' };
}

/** Returns the links to the parents of an invoice's page. */
export function invoicesTrail(
  visitor: Visitor,
  { period_start }: { readonly period_start: string },
): readonly Link[] {
  if (visitor.scope === 'tenant') return [documentsStart(visitor)];
  const month = period_start.slice(0, 7);
  return [
    documentsStart(visitor),
    monthLink(month),
    { href: `/operator/months/${month}/invoices`, text: 'Invoices' },
  ];
}

/** Renders whose document it is; nothing on the tenant's own page. */
export function tenantFact({
  tenantName,
  invoice: { tenant_id },
}: {
  readonly tenantName: string | null;
  readonly invoice: { readonly tenant_id: string };
}): Markup {
  if (tenantName === null) return markup``;
  return markup`<div><dt>Tenant</dt><dd><a href="${tenantHref(tenant_id)}">${tenantName}</a><span class="sub id">${tenant_id}</span></dd></div>
`;
}

/** The formats of the tenant's documents. */
const FORMATS = ['html', 'pdf', 'csv'];

/**
 * Renders the item of a list of links that names an invoice's or note's documents.
 * @param path below the visitor's root: `invoices/ID`, `adjustment-notes/ID`
 * @param lines those of the document, of which some may have usage behind them
 */
export function documentLinks(
  visitor: Visitor,
  path: string,
  lines: readonly { readonly kind: string }[],
): Markup {
  const href = `${rootOf(visitor)}/${path}`;
  const links = FORMATS.map(
    (format, index) =>
      markup`${index === 0 ? '' : ', '}<a href="${href}.${format}">${format.toUpperCase()}</a>`,
  );
  if (lines.some(({ kind }) => kind === 'llm_usage' || kind === 'overage')) {
    links.push(markup`, <a href="${href}.pdf?appendix=1">PDF with the usage by day</a>`);
  }
  return markup`<li>${visitor.scope === 'operator' ? 'Documents for the tenant' : 'Documents'}: ${links}</li>`;
}
