import { monthEndId, type SEARCH_ATTRIBUTES } from '../contracts/ids.ts';

/** URLs of pages of the Temporal Web UI. */
export interface TemporalLinks {
  /** The workflow of a month, with its progress and its signals. */
  month(month: string): string;
  /** The list of a tenant's workflows in a month. There may be several, because of retries. */
  tenant(month: string, tenantId: string): string;
}

/** The registered names of the search attributes, for queries. */
const { period, tenant } = { period: 'BillingPeriod', tenant: 'TenantId' } satisfies Record<
  string,
  keyof typeof SEARCH_ATTRIBUTES
>;

/** @param uiUrl the Web UI's URL, such as `http://localhost:8233` */
export function createTemporalLinks(uiUrl: string, namespace: string): TemporalLinks {
  const workflows = `${uiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return {
    month: (month) => `${workflows}/${encodeURIComponent(monthEndId(month))}`,
    tenant: (month, tenantId) => {
      const query = `${period}="${month}" AND ${tenant}="${tenantId}"`;
      return `${workflows}?query=${encodeURIComponent(query)}`;
    },
  };
}
