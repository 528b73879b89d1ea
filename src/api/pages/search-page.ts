import { z } from 'zod';
import { showTenant } from '../../db/catalogue/tenant-views.ts';
import { findDocuments } from '../../db/invoices/document-search.ts';
import { listTenantRows, type TenantRow } from '../../db/invoices/tenant-list.ts';
import { text } from '../../ingestion/usage-fields.ts';
import { operatorPage, page, seeOther } from './page-definition.ts';
import { tenantHref } from './views/places.ts';
import { documentHref, searchPage } from './views/search-html.ts';
import { TENANTS_PATH } from './views/tenants-html.ts';

const SHOWN_TENANTS = 20;
const SHOWN_DOCUMENTS = 20;

/**
 * Searches tenants, and the numbers of invoices and adjustment notes. If the text is the id or the number of something, or
 * if only one thing matches, it leads there; documents of the only tenant are on its page.
 */
export const search = operatorPage(
  { path: '/operator/search', query: z.object({ q: text(100).optional() }) },
  async ({ query, visitor }, { db, now }) => {
    const search = query.q?.trim() ?? '';
    if (search === '') return page(searchPage({ ...NOTHING, visitor, search }));
    if ((await showTenant(db, search)) !== null) return seeOther(tenantHref(search));
    const first = { after: null, limit: SHOWN_TENANTS + 1 };
    const tenants = await listTenantRows(db, { search, at: now() }, first);
    const documents = await findDocuments(db, search, SHOWN_DOCUMENTS + 1);
    const [tenant, ...otherTenants] = tenants;
    const [document, ...otherDocuments] = documents;
    if (document?.number === search) return seeOther(documentHref(visitor, document));
    const isAllOf = ({ tenant_id }: TenantRow) =>
      documents.every((found) => found.tenant_id === tenant_id);
    if (tenant !== undefined && otherTenants.length === 0 && isAllOf(tenant)) {
      return seeOther(tenantHref(tenant.tenant_id));
    }
    if (document !== undefined && otherDocuments.length === 0 && tenant === undefined) {
      return seeOther(documentHref(visitor, document));
    }
    const all = `${TENANTS_PATH}?${new URLSearchParams({ search }).toString()}`;
    return page(
      searchPage({
        visitor,
        search,
        tenants: tenants.slice(0, SHOWN_TENANTS),
        moreTenantsHref: tenants.length > SHOWN_TENANTS ? all : null,
        documents: documents.slice(0, SHOWN_DOCUMENTS),
        hasMoreDocuments: documents.length > SHOWN_DOCUMENTS,
      }),
    );
  },
);

const NOTHING = {
  tenants: [],
  moreTenantsHref: null,
  documents: [],
  hasMoreDocuments: false,
};
