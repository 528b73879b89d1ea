import { z } from 'zod';
import type { Period } from '../domain/period.ts';
import type { Usage } from '../domain/types.ts';
import type { OwnDraft } from './drafts.ts';
import type { Queryable } from './pool.ts';
import { jsonRows, sql, textArray, uuidArray } from './sql.ts';

/**
 * Which usage to read: buckets `b`, each with the `owner` that it is for, and the exclusions `e`
 * that count against them.
 */
export interface HeldUsage {
  /** Rows of (owner, bucket_id, source, deployment_id, ...). */
  readonly buckets: ReturnType<typeof sql.fragment>;
  /** Condition on `usage_exclusions e`. */
  readonly exclusions: ReturnType<typeof sql.fragment>;
}

/**
 * What is sealed for these drafts, and for the invoices that they replace; the owner is the draft.
 * Nothing else is read, so nothing can change between quote and issue.
 */
export function heldByDrafts(drafts: readonly OwnDraft[]): HeldUsage {
  const holders = drafts.flatMap(({ draftId, replacesInvoiceId }) => [
    { draftId, holder: draftId },
    ...(replacesInvoiceId ? [{ draftId, holder: replacesInvoiceId }] : []),
  ]);
  return {
    buckets: sql.fragment`
      SELECT h."draftId" AS owner, b.* FROM jsonb_to_recordset(${jsonRows(holders)})
        AS h ("draftId" uuid, holder uuid)
      JOIN usage_buckets b ON b.sealed_for = h.holder`,
    exclusions: sql.fragment`e.applied_to = ANY(${uuidArray(holders.map(({ holder }) => holder))})`,
  };
}

const metered = z.object({
  deploymentId: z.string(),
  resourceKind: z.string(),
  /** Decimal string. */
  total: z.string(),
});

/** Metered usage of the period by deployment and kind, without what was excluded. */
export async function readMeteredUsage(
  db: Queryable,
  period: Period,
  held: HeldUsage,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, Usage>> {
  const rows = await db.any(sql.type(metered)`
    SELECT b.deployment_id AS "deploymentId", b.resource_kind AS "resourceKind",
      sum(b.total - coalesce(x.amount, 0)) AS total
    FROM (${held.buckets}) b LEFT JOIN (${excludedByBucket(held)}) x USING (bucket_id)
    WHERE b.source = 'metered' AND b.service_month = ${period.periodStart}
      AND b.deployment_id = ANY(${textArray(deploymentIds)})
    GROUP BY b.deployment_id, b.resource_kind
  `);
  return byDeployment(rows);
}

const llm = z.object({
  owner: z.string(),
  deploymentId: z.string(),
  serviceMonth: z.string(),
  requestCount: z.string(),
  /** Decimal string. */
  exactCents: z.string(),
});

/** LLM usage by owner, deployment and service month; nothing where all of it was excluded. */
export function readLlmUsage(
  db: Queryable,
  held: HeldUsage,
): Promise<readonly z.infer<typeof llm>[]> {
  return db.any(sql.type(llm)`
    SELECT b.owner, b.deployment_id AS "deploymentId",
      to_char(b.service_month, 'YYYY-MM') AS "serviceMonth",
      sum(b.event_count - coalesce(x.events, 0))::text AS "requestCount",
      sum(b.total - coalesce(x.amount, 0)) AS "exactCents"
    FROM (${held.buckets}) b LEFT JOIN (${excludedByBucket(held)}) x USING (bucket_id)
    WHERE b.source = 'llm'
    GROUP BY b.owner, b.deployment_id, b.service_month
    HAVING sum(b.event_count - coalesce(x.events, 0)) > 0
    ORDER BY b.owner, b.deployment_id, b.service_month
  `);
}

const held = llm.omit({ exactCents: true }).extend({
  source: z.enum(['llm', 'metered']),
  resourceKind: z.string(),
  /** Decimal string: cents, or a quantity. */
  total: z.string(),
});

/** {@link readMeteredUsage}, of all deployments, and {@link readLlmUsage} in one round trip. */
export async function readHeldUsage(
  db: Queryable,
  period: Period,
  usage: HeldUsage,
): Promise<{
  readonly metered: ReadonlyMap<string, Usage>;
  readonly llm: readonly z.infer<typeof llm>[];
}> {
  const rows = await db.any(sql.type(held)`
    SELECT b.owner, b.source, b.deployment_id AS "deploymentId", b.resource_kind AS "resourceKind",
      to_char(b.service_month, 'YYYY-MM') AS "serviceMonth",
      sum(b.event_count - coalesce(x.events, 0))::text AS "requestCount",
      sum(b.total - coalesce(x.amount, 0)) AS total
    FROM (${usage.buckets}) b LEFT JOIN (${excludedByBucket(usage)}) x USING (bucket_id)
    WHERE b.source = 'llm' OR b.service_month = ${period.periodStart}
    GROUP BY b.owner, b.source, b.deployment_id, b.resource_kind, b.service_month
    ORDER BY b.owner, b.deployment_id, b.service_month
  `);
  const metered = rows.filter(({ source }) => source === 'metered');
  return {
    metered: byDeployment(metered),
    llm: rows
      .filter(({ source, requestCount }) => source === 'llm' && BigInt(requestCount) > 0n)
      .map(({ total, ...row }) => ({ ...row, exactCents: total })),
  };
}

function byDeployment(rows: readonly z.infer<typeof metered>[]): ReadonlyMap<string, Usage> {
  const groups = Map.groupBy(rows, ({ deploymentId }) => deploymentId);
  return new Map(
    [...groups].map(([deploymentId, kinds]) => [
      deploymentId,
      // `Object.fromEntries` takes any name for a kind, `__proto__` too.
      Object.fromEntries(kinds.map(({ resourceKind, total }) => [resourceKind, total])),
    ]),
  );
}

function excludedByBucket({ exclusions }: HeldUsage) {
  return sql.fragment`
    SELECT e.bucket_id, count(*) AS events, sum(e.amount) AS amount
    FROM usage_exclusions e WHERE ${exclusions} GROUP BY e.bucket_id`;
}
