import type { TenantInputs } from '../db/invoices/invoice-inputs.ts';
import type { PreviewedTenant } from '../db/invoices/preview-inputs.ts';
import type { Queryable } from '../db/pool.ts';
import { findDifferentDays } from '../db/usage/compare-control-totals.ts';
import { findTenantsWithTotals } from '../db/usage/control-totals.ts';
import type { DifferentDay } from '../domain/gateway-totals.ts';
import type { BillingMonth } from '../domain/service-days.ts';

/**
 * Returns the days whose control totals would park a tenant, of the months whose LLM usage its invoice would take now:
 * for an invoiced tenant only the month itself.
 */
export async function findDifferences(
  db: Queryable,
  { calendar, period }: BillingMonth,
  previewed: readonly TenantInputs<PreviewedTenant>[],
): Promise<ReadonlyMap<string, readonly DifferentDay[]>> {
  const withTotals = await findTenantsWithTotals(
    db,
    previewed.map(({ tenant }) => tenant.tenantId),
  );
  const compared = previewed.filter(({ tenant }) => withTotals.has(tenant.tenantId));
  return findDifferentDays(
    db,
    calendar,
    compared.map(({ tenant: { tenantId, invoiceId }, inputs }) => {
      const late = inputs.llmUsage.map(({ serviceMonth }) => serviceMonth);
      return { tenantId, months: [period.month, ...(invoiceId === null ? late : [])] };
    }),
  );
}
