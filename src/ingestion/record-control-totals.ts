import { z } from 'zod';
import type { Database } from '../db/pool.ts';
import { fixCalendar, loadCalendar } from '../db/settings/load-calendar.ts';
import { insertTotals, type StatedTotal } from '../db/usage/control-totals.ts';
import { findDeployments, type Deployment } from '../db/usage/usage-ledger.ts';
import { normalizeDecimalString } from '../domain/decimal.ts';
import { CALENDAR_YEARS } from '../domain/period.ts';
import { explainIssue } from '../lib/explain-issue.ts';
import { date } from './calendar-fields.ts';
import { findOwnerError } from './check-event.ts';
import { reasonOf, toFieldErrors } from './field-errors.ts';
import type { FieldError } from './results.ts';
import { currencyCode, decimalString, externalId } from './usage-fields.ts';

const statedFields = {
  tenant_id: externalId,
  requests: z
    .int()
    .nonnegative()
    .describe('How many requests the gateway made and sent as usage events.')
    .meta({ example: 1204 }),
  charge_cents: decimalString
    .describe('The exact sum of their charges.')
    .meta({ example: '51.170000000001' }),
  currency: currencyCode.optional().describe("By default the tenant's; another one is refused."),
};

/** A control total whose deployment and day are named elsewhere. */
export const statedDaySchema = z.strictObject(statedFields);

/** What a gateway states about a day of a deployment (docs/spec.md#control-totals). */
export const controlTotalFields = z
  .strictObject({
    ...statedFields,
    deployment_id: externalId,
    day: date.describe('In the billing time zone.'),
  })
  .meta({ id: 'StatedTotal' });

type SentTotal = z.infer<typeof controlTotalFields>;

/** The result for one control total. */
export type TotalResult =
  /** `unchanged`: the latest revision says the same. */
  | { readonly status: 'recorded' | 'unchanged'; readonly revision: number }
  /** Not stored; sending it again doesn't change that. */
  | {
      readonly status: 'rejected';
      readonly reason: string;
      readonly errors: readonly FieldError[];
    };

export interface RecordTotalsOptions {
  readonly actor: string;
  readonly now: () => Date;
}

/** A gateway's clock may be ahead of ours, as for usage. */
const AHEAD_MS = 5 * 60_000;

/**
 * Records control totals, each by itself: a rejected one doesn't affect the others (docs/spec.md#control-totals).
 * @param sent at most `MAX_BATCH`, not validated
 * @returns a result for each, in order
 */
export async function recordControlTotals(
  db: Database,
  sent: readonly unknown[],
  { actor, now }: RecordTotalsOptions,
): Promise<readonly TotalResult[]> {
  const parsed = sent.map((total) => controlTotalFields.safeParse(total, { error: explainIssue }));
  const found = await findDeployments(
    db,
    parsed.flatMap(({ data }) => data?.deployment_id ?? []),
  );
  const deployments = new Map(found.map((deployment) => [deployment.deploymentId, deployment]));
  const { dateOf } = await loadCalendar(db);
  const latest = dateOf(new Date(now().getTime() + AHEAD_MS));
  const keys = new Set<string>();
  const checked = parsed.map(({ data, error }): StatedTotal | Rejected => {
    if (data === undefined) return rejected(toFieldErrors(error.issues));
    const wrong = findError(data, deployments.get(data.deployment_id), latest, keys);
    return wrong === null ? toStated(data) : rejected([wrong]);
  });
  const stated = checked.flatMap((one) => ('tenantId' in one ? one : []));
  // Totals are stated by day of the billing time zone, so the zone is fixed from here on.
  if (stated.length > 0) await fixCalendar(db);
  const revised = await db.transaction((tx) => insertTotals(tx, stated, actor));
  const byKey = new Map(revised.map((one) => [keyOf(one.deploymentId, one.day), one]));
  return checked.map((one) => {
    if (!('tenantId' in one)) return one;
    const result = byKey.get(keyOf(one.deploymentId, one.day));
    if (result === undefined) throw new Error(`the total of ${one.deploymentId} was not compared`);
    return { status: result.isNew ? 'recorded' : 'unchanged', revision: result.revision };
  });
}

type Rejected = Extract<TotalResult, { status: 'rejected' }>;

function rejected(errors: readonly FieldError[]): Rejected {
  return { status: 'rejected', reason: reasonOf(errors), errors };
}

function keyOf(deploymentId: string, day: string): string {
  return `${deploymentId} ${day}`;
}

/**
 * Returns why a well-formed total is rejected; null if it is recorded.
 * @param latest the last day that can have a total
 * @param keys days and deployments of earlier totals of the call; this one is added
 */
function findError(
  sent: SentTotal,
  deployment: Deployment | undefined,
  latest: string,
  keys: Set<string>,
): FieldError | null {
  const { deployment_id, day, requests, charge_cents } = sent;
  const error = findOwnerError(sent, deployment);
  if (error !== null) return error;
  if (Number(day.slice(0, 4)) < CALENDAR_YEARS.first) {
    return { pointer: '/day', detail: `${day} is before the year ${CALENDAR_YEARS.first}` };
  }
  if (day > latest) {
    const detail = `${day} is in the future: in the billing time zone it is ${latest}`;
    return { pointer: '/day', detail };
  }
  if (requests === 0 && normalizeDecimalString(charge_cents) !== '0') {
    return { pointer: '/requests', detail: 'there can be no charges without requests' };
  }
  const key = keyOf(deployment_id, day);
  if (keys.has(key)) {
    const detail = `the batch has another total of ${deployment_id} for ${day}`;
    return { pointer: '/day', detail };
  }
  keys.add(key);
  return null;
}

function toStated({
  tenant_id,
  deployment_id,
  day,
  requests,
  charge_cents,
}: SentTotal): StatedTotal {
  return {
    tenantId: tenant_id,
    deploymentId: deployment_id,
    day,
    requests,
    chargeCents: charge_cents,
  };
}
