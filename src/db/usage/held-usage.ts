import type { FragmentSqlToken } from 'slonik';
import { z } from 'zod';
import { Decimal, sumDecimals, toDecimalString } from '../../domain/decimal.ts';
import type { ModelUsage } from '../../domain/llm-lines.ts';
import type { Period } from '../../domain/period.ts';
import type { Usage } from '../../domain/types.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

/**
 * The usage to read: buckets `b`, each with the `owner` that it is read for, and the exclusions `e` that reduce
 * them.
 */
export interface HeldUsage {
  /** Rows of (owner, bucket_id, source, deployment_id, ...). */
  readonly buckets: ReturnType<typeof sql.fragment>;
  /** Condition on `usage_exclusions e`. */
  readonly exclusions: ReturnType<typeof sql.fragment>;
}

/**
 * Usage sealed for the drafts of a CTE `own` (draft_id, replaces_invoice_id), for the invoices that they replace or
 * adjust, and for the notes of those. The owner is the draft. Nothing else is read, so nothing can change between quote
 * and issue.
 */
export const HELD_BY_OWN: HeldUsage = {
  buckets: sql.fragment`
    SELECT h.owner, b.* FROM (
      SELECT draft_id AS owner, draft_id AS holder FROM own
      UNION ALL SELECT draft_id, replaces_invoice_id FROM own WHERE replaces_invoice_id IS NOT NULL
      UNION ALL SELECT own.draft_id, n.invoice_id
        FROM own JOIN invoices n ON n.adjusts_invoice_id = own.replaces_invoice_id
    ) h JOIN usage_buckets b ON b.sealed_for = h.holder`,
  exclusions: sql.fragment`e.applied_to IN (
    SELECT draft_id FROM own UNION ALL SELECT replaces_invoice_id FROM own
    UNION ALL SELECT n.invoice_id FROM own JOIN invoices n ON n.adjusts_invoice_id = own.replaces_invoice_id)`,
};

const sum = z.object({
  owner: z.string(),
  source: z.enum(['llm', 'metered']),
  deploymentId: z.string(),
  resourceKind: z.string(),
  serviceMonth: z.string(),
  /** Empty for metered usage, and for all models that have no bucket of their own. */
  model: z.string(),
  /** Number of events. */
  requestCount: z.string(),
  /** Decimal string: exact cents, or a quantity. */
  total: z.string(),
});
/** One owner's usage of one kind and model for a deployment and service month, without excluded events. */
export type HeldSum = z.infer<typeof sum>;

/** LLM usage of an owner's deployment in a service month. */
export interface HeldLlmUsage extends Pick<
  HeldSum,
  'owner' | 'deploymentId' | 'serviceMonth' | 'requestCount'
> {
  /** Decimal string. */
  readonly exactCents: string;
  /** They add up to it. */
  readonly byModel: readonly ModelUsage[];
}

/**
 * Returns held usage without excluded events: metered usage of the period by deployment and kind, and LLM usage
 * by owner, deployment and service month.
 */
export async function readHeldUsage(
  db: Queryable,
  period: Period,
  held: HeldUsage,
): Promise<{
  readonly metered: ReadonlyMap<string, Usage>;
  readonly llm: readonly HeldLlmUsage[];
}> {
  const sums = await db.any(
    sql.type(sum)`${summing(held, sql.fragment`(${IS_LLM} OR ${isMeteredOf(period)})`)}`,
  );
  return { metered: toMetered(sums), llm: toLlm(sums) };
}

/** Condition on a bucket `b`: LLM usage of any month. */
export const IS_LLM = sql.fragment`b.source = 'llm'`;

/**
 * Condition on a bucket `b`: metered usage of the period. Late metered usage waits for a forced rerun of its
 * own month.
 */
export function isMeteredOf({ periodStart }: Period) {
  return sql.fragment`(b.source = 'metered' AND b.service_month = ${periodStart})`;
}

/** Selects {@link HeldSum} rows of the buckets `b` that match the condition `which`. */
export function summing(
  { buckets, exclusions }: HeldUsage,
  which: ReturnType<typeof sql.fragment>,
) {
  return sql.fragment`
    SELECT b.owner, b.source, b.deployment_id AS "deploymentId", b.resource_kind AS "resourceKind",
      to_char(b.service_month, 'YYYY-MM') AS "serviceMonth", b.model,
      sum(b.event_count - coalesce(x.events, 0))::text AS "requestCount",
      -- As text, because a number inside JSON would become a float.
      sum(b.total - coalesce(x.amount, 0))::text AS total
    FROM (${buckets}) b LEFT JOIN (
      SELECT e.bucket_id, count(*) AS events, sum(e.amount) AS amount
      FROM usage_exclusions e WHERE ${exclusions} GROUP BY e.bucket_id
    ) x USING (bucket_id)
    WHERE ${which}
    GROUP BY b.owner, b.source, b.deployment_id, b.resource_kind, b.service_month, b.model
    ORDER BY b.owner, b.deployment_id, b.service_month`;
}

/** Returns metered usage by deployment and kind. */
export function toMetered(sums: readonly HeldSum[]): ReadonlyMap<string, Usage> {
  const metered = sums.filter(({ source }) => source === 'metered');
  const byDeployment = Map.groupBy(metered, ({ deploymentId }) => deploymentId);
  return new Map(
    [...byDeployment].map(([deploymentId, kinds]) => [
      deploymentId,
      // `Object.fromEntries` is safe for any kind name, including `__proto__`.
      Object.fromEntries(kinds.map(({ resourceKind, total }) => [resourceKind, total])),
    ]),
  );
}

/** Returns LLM usage, omitting sums whose events were all excluded. */
export function toLlm(sums: readonly HeldSum[]): readonly HeldLlmUsage[] {
  const counted = sums.filter(
    ({ source, requestCount }) => source === 'llm' && BigInt(requestCount) > 0n,
  );
  const groups = Map.groupBy(counted, ({ owner, deploymentId, serviceMonth }) =>
    [owner, deploymentId, serviceMonth].join(' '),
  );
  return [...groups.values()].flatMap((models) => {
    const [first] = models;
    if (first === undefined) return [];
    const { owner, deploymentId, serviceMonth } = first;
    const exactCents = sumDecimals(models.map(({ total }) => new Decimal(total)));
    return {
      ...{ owner, deploymentId, serviceMonth },
      requestCount: String(
        models.reduce((sum, { requestCount }) => sum + BigInt(requestCount), 0n),
      ),
      exactCents: toDecimalString(exactCents),
      byModel: models.map(({ model, requestCount, total }) => ({
        ...{ model, requestCount },
        exactCents: total,
      })),
    };
  });
}

/**
 * Condition: an invoice line `line` charges for the usage of a bucket `b`.
 * @param month of the invoice, such as `2026-05`
 */
export function isChargedBy(month: FragmentSqlToken) {
  return sql.fragment`line.deployment_id = b.deployment_id AND CASE b.source
    WHEN 'llm' THEN line.kind = 'llm_usage'
      AND coalesce(line.meta ->> 'service_month', ${month}) = to_char(b.service_month, 'YYYY-MM')
    ELSE line.kind = 'overage' AND line.resource_kind = b.resource_kind END`;
}
