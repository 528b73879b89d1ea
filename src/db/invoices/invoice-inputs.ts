import type { InvoiceInputs } from '../../domain/compose-invoice.ts';
import type { FreeItem } from '../../domain/invoice-items.ts';
import type { TaxTerms } from '../../domain/invoice-totals.ts';
import type { Period } from '../../domain/period.ts';
import type { PlanVersion } from '../../domain/types.ts';
import { readHeldUsage, type HeldUsage } from '../usage/held-usage.ts';
import type { Queryable } from '../pool.ts';
import {
  deploymentsOf,
  learnPlanVersions,
  planVersionsOf,
  type TouchingDeployment,
} from './quote-inputs.ts';

/** A tenant that an invoice is to be composed for. */
export interface InvoicedTenant {
  readonly tenantId: string;
  readonly currency: string;
  readonly tax: TaxTerms;
  readonly items: readonly FreeItem[];
  /** The owner of its held usage. */
  readonly owner: string;
}

export interface TenantInputs<Tenant> {
  readonly tenant: Tenant;
  /** All that its subscriptions say about the period. */
  readonly touching: readonly TouchingDeployment[];
  readonly inputs: Omit<InvoiceInputs, 'deployments'>;
}

/**
 * Returns the inputs of tenants' invoices: their subscriptions that touch the period, and the usage that is held for
 * them.
 * @param planVersions known versions; missing ones are added
 * @returns the tenants, in the given order, with the inputs of their invoices
 */
export async function readInvoiceInputs<Tenant extends InvoicedTenant>(
  db: Queryable,
  period: Period,
  tenants: readonly Tenant[],
  held: HeldUsage,
  planVersions: Map<string, PlanVersion>,
): Promise<readonly TenantInputs<Tenant>[]> {
  const deployments = await deploymentsOf(
    db,
    period,
    tenants.map(({ tenantId }) => tenantId),
  );
  await learnPlanVersions(db, planVersions, planVersionsOf(deployments));
  const { metered, llm } = await readHeldUsage(db, period, held);
  const llmUsage = Map.groupBy(llm, ({ owner }) => owner);
  const byTenant = Map.groupBy(deployments, ({ tenantId }) => tenantId);
  return tenants.map((tenant) => ({
    tenant,
    touching: byTenant.get(tenant.tenantId) ?? [],
    inputs: {
      period,
      currency: tenant.currency,
      tax: tenant.tax,
      items: tenant.items,
      planVersions,
      meteredUsage: metered,
      llmUsage: llmUsage.get(tenant.owner) ?? [],
    },
  }));
}
