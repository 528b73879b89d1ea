import { monthEndId, type SEARCH_ATTRIBUTES } from '../contracts/ids.ts';

/** Pages of the Temporal Web UI. */
export interface TemporalLinks {
  /** The workflow of a month: its progress, and its signals. */
  month(month: string): string;
  /** What was run for a tenant in a month; a list, for it may have been tried more than once. */
  tenant(month: string, tenantId: string): string;
}

/** The names that queries use: what they are registered under. */
const { period, tenant } = { period: 'BillingPeriod', tenant: 'TenantId' } satisfies Record<
  string,
  keyof typeof SEARCH_ATTRIBUTES
>;

/** @param uiUrl where the Web UI is served, such as `http://localhost:8233` */
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
