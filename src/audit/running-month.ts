import { readInvoiceInputs } from '../db/invoices/invoice-inputs.ts';
import { readRunningTenant, usageToTake } from '../db/invoices/running-inputs.ts';
import type { Queryable } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { inOneSnapshot } from '../db/transactions.ts';
import { previousMonth } from '../domain/period.ts';
import { monthSoFar, type MonthSoFar } from '../domain/running-month.ts';
import type { PlanVersion } from '../domain/types.ts';

/** A tenant's running month. */
export interface RunningMonth extends MonthSoFar {
  readonly tenantId: string;
  readonly currency: string;
  /**
   * Whether the invoice has what earlier months left: late LLM usage and invoice items. Not while an invoice of the last
   * month is to come, because that one takes them first, or waits for its release.
   */
  readonly includesEarlierMonths: boolean;
}

/**
 * Returns what a tenant has used in the running month, the invoice as it would be if the month ended now, and its
 * projection (docs/spec.md#the-running-month). Reads one snapshot and writes nothing; reads buckets and no events.
 * @param db a pool, or a tenant's view of it; not a transaction
 * @param now decides which month is running
 * @returns null if there is no such tenant
 */
export async function runningMonthOf(
  db: Queryable,
  tenantId: string,
  now: Date,
): Promise<RunningMonth | null> {
  const calendar = await loadCalendar(db);
  const period = calendar.periodOf(calendar.monthOf(now));
  const last = calendar.periodOf(previousMonth(period.month));
  const planVersions = new Map<string, PlanVersion>();
  const read = await inOneSnapshot(db, async (tx) => {
    const tenant = await readRunningTenant(tx, tenantId, period, last);
    if (tenant === null) return null;
    const isSettled = tenant.isLastMonthSettled;
    const items = tenant.items.filter(({ month }) => isSettled || month === period.month);
    const invoiced = { ...tenant, items, owner: tenantId };
    const usage = usageToTake(tenantId, period, isSettled);
    const [found] = await readInvoiceInputs(tx, period, [invoiced], usage, planVersions);
    return found ?? null;
  });
  if (read === null) return null;
  const { tenant, touching, inputs } = read;
  const { currency, isLastMonthSettled } = tenant;
  return {
    tenantId,
    currency,
    includesEarlierMonths: isLastMonthSettled,
    ...monthSoFar({
      ...inputs,
      ...{ calendar, now },
      deployments: touching.map((deployment) => ({ ...deployment, currency })),
    }),
  };
}
