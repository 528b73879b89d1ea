import { z } from 'zod';
import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import { NO_USAGE } from '../../domain/gateway-totals.ts';
import type { Month } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import {
  comparedDeploymentSchema,
  compareControlTotals,
  type ComparedDeployment,
  comparisonCountsSchema,
  countCompared,
} from './compare-control-totals.ts';
import type { ComparedDay } from './compare-days.ts';

/** Deployments that a summary compares by day: reading their events takes time. */
const LISTED = 20;

export const gatewayTotalsSchema = z
  .object({
    ...comparisonCountsSchema.shape,
    deployments: z
      .array(comparedDeploymentSchema)
      .describe(
        `Deployments whose sums differ, or that have no control total although their tenant has some; the first ${LISTED}.`,
      ),
  })
  .meta({ id: 'GatewayTotals' });
/** How the gateway's control totals of a month compare with the ledger. */
export type GatewayTotals = z.infer<typeof gatewayTotalsSchema>;

/**
 * Summarizes the comparison of a month. Call it in one snapshot (`inOneSnapshot`).
 * @returns null if the month has no control total
 */
export async function readGatewayTotals(
  db: Queryable,
  calendar: BillingCalendar,
  month: Month,
): Promise<GatewayTotals | null> {
  const counts = await countCompared(db, calendar.periodOf(month));
  if (counts.equal + counts.unequal === 0) return null;
  const page = { after: null, limit: LISTED };
  const deployments = await compareControlTotals(db, calendar, month, {}, page);
  return { ...counts, deployments: [...deployments] };
}

/** A day that isn't equal, or a whole month whose days are not compared. */
export interface ComparedRow extends Omit<ComparedDay, 'day' | 'state'> {
  readonly tenant_id: string;
  readonly currency: string;
  /** Null: the whole month. */
  readonly day: string | null;
  readonly state: ComparedDeployment['state'];
}

/** Returns the days of deployments that are not equal, as rows of a table. */
export function toComparedRows(deployments: readonly ComparedDeployment[]): readonly ComparedRow[] {
  return deployments.flatMap((compared): readonly ComparedRow[] => {
    const { tenant_id, deployment_id, currency, state, stated, ledger, days } = compared;
    const of = { tenant_id, deployment_id, currency };
    if (days.length > 0) return days.map((day) => ({ ...of, ...day }));
    const wholeMonth = {
      ...of,
      day: null,
      revision: null,
      state,
      ledger,
      held: NO_USAGE,
      acceptance: null,
    };
    return [{ ...wholeMonth, stated: state === 'unstated' ? null : stated }];
  });
}
