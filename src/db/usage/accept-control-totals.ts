import type { BillingCalendar } from '../../domain/billing-calendar.ts';
import { areEqual, type DifferentDay } from '../../domain/gateway-totals.ts';
import type { Month } from '../../domain/period.ts';
import type { Database, Transaction } from '../pool.ts';
import { rowsAs, sql } from '../sql.ts';
import { compareControlTotals } from './compare-control-totals.ts';
import { acceptedDays, differentDays, type RevisedDay } from './compare-days.ts';

export interface Acceptance {
  readonly month: Month;
  readonly tenantId: string;
  /** Only this deployment. */
  readonly deploymentId?: string | undefined;
  /** Only this day. */
  readonly day?: string | undefined;
  /** The differences as the operator saw them. Without them, whatever differs now is accepted. */
  readonly seen?:
    readonly Pick<DifferentDay, 'deployment_id' | 'day' | 'stated' | 'ledger'>[] | undefined;
  readonly actor: string;
  readonly reason: string;
}

export type AcceptanceResult =
  | {
      readonly outcome: 'accepted';
      /** The days accepted by this call; empty if nothing differs. */
      readonly days: readonly DifferentDay[];
      /** Of the tenant. */
      readonly currency: string;
      /** Days of the tenant's month that still differ without being accepted. */
      readonly stillDifferent: number;
    }
  /** The figures are no longer those that the operator saw. Nothing was accepted. */
  | { readonly outcome: 'changed'; readonly reason: string };

/**
 * Accepts the differences between a tenant's control totals and the ledger: exactly the totals and the usage of now
 * (docs/spec.md#control-totals). Accepting again changes nothing.
 * @throws DomainError `invalid_month`
 */
export function acceptControlTotals(
  db: Database,
  calendar: BillingCalendar,
  asked: Acceptance,
): Promise<AcceptanceResult> {
  const { month, tenantId, deploymentId, day, seen } = asked;
  return db.transaction(async (tx) => {
    const deployments = await compareControlTotals(tx, calendar, month, { tenantIds: [tenantId] });
    const different = deployments.flatMap(({ days }) => differentDays(days));
    const chosen = different.filter(
      (one) =>
        (deploymentId === undefined || one.deployment_id === deploymentId) &&
        (day === undefined || one.day === day),
    );
    const accepted = seen === undefined ? chosen : chosen.filter((one) => seen.some(isSame(one)));
    const earlier = deployments.flatMap(({ days }) => acceptedDays(days));
    const outdated = seen?.find((one) => ![...accepted, ...earlier].some(isSame(one)));
    if (outdated !== undefined) {
      const which = `${outdated.deployment_id} on ${outdated.day}`;
      return {
        outcome: 'changed',
        reason: `the figures of ${which} are not those to accept any more: compare them again`,
      };
    }
    await insertAcceptances(tx, accepted, asked);
    return {
      outcome: 'accepted',
      days: accepted,
      currency: deployments[0]?.currency ?? '',
      stillDifferent: different.length - accepted.length,
    };
  });
}

type Seen = NonNullable<Acceptance['seen']>[number];

function isSame(a: Seen): (b: Seen) => boolean {
  return (b) =>
    a.deployment_id === b.deployment_id &&
    a.day === b.day &&
    areEqual(a.stated, b.stated) &&
    areEqual(a.ledger, b.ledger);
}

/** Another call may have accepted the same concurrently: the first acceptance stays. */
async function insertAcceptances(
  tx: Transaction,
  days: readonly RevisedDay[],
  { tenantId, actor, reason }: Acceptance,
): Promise<void> {
  if (days.length === 0) return;
  const rows = days.map(({ deployment_id, day, revision, ledger }) => ({
    ...{ deploymentId: deployment_id, day, revision },
    ...{ ledgerRequests: ledger.requests, ledgerCents: ledger.charge_cents },
  }));
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO control_total_acceptances (tenant_id, deployment_id, day, revision, ledger_requests,
      ledger_charge_cents, actor, reason)
    SELECT ${tenantId}, "deploymentId", day::date, revision, "ledgerRequests", "ledgerCents", ${actor}, ${reason}
    FROM ${rowsAs('a', ACCEPTED, rows)}
    ON CONFLICT DO NOTHING
  `);
}

const ACCEPTED = {
  deploymentId: 'text',
  day: 'text',
  revision: 'int4',
  ledgerRequests: 'int8',
  ledgerCents: 'numeric',
} as const;
