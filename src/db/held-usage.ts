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
      SELECT h."draftId" AS owner, b.* FROM json_to_recordset(${jsonRows(holders)})
        AS h ("draftId" uuid, holder uuid)
      JOIN usage_buckets b ON b.sealed_for = h.holder`,
    exclusions: sql.fragment`e.applied_to = ANY(${uuidArray(holders.map(({ holder }) => holder))})`,
  };
}

const sum = z.object({
  owner: z.string(),
  source: z.enum(['llm', 'metered']),
  deploymentId: z.string(),
  resourceKind: z.string(),
  serviceMonth: z.string(),
  /** How many events there are. */
  requestCount: z.string(),
  /** Decimal string: exact cents, or a quantity. */
  total: z.string(),
});
type HeldSum = z.infer<typeof sum>;

/** LLM usage of an owner's deployment in a service month. */
export interface HeldLlmUsage extends Pick<
  HeldSum,
  'owner' | 'deploymentId' | 'serviceMonth' | 'requestCount'
> {
  /** Decimal string. */
  readonly exactCents: string;
}

/** Metered usage of the period by deployment and kind, without what was excluded. */
export async function readMeteredUsage(
  db: Queryable,
  period: Period,
  held: HeldUsage,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, Usage>> {
  const which = sql.fragment`
    ${isMeteredOf(period)} AND b.deployment_id = ANY(${textArray(deploymentIds)})`;
  return toMetered(await readSums(db, held, which));
}

/** LLM usage by owner, deployment and service month; nothing where all of it was excluded. */
export async function readLlmUsage(
  db: Queryable,
  held: HeldUsage,
): Promise<readonly HeldLlmUsage[]> {
  return toLlm(await readSums(db, held, IS_LLM));
}

/** {@link readMeteredUsage}, of all deployments, and {@link readLlmUsage} in one round trip. */
export async function readHeldUsage(
  db: Queryable,
  period: Period,
  held: HeldUsage,
): Promise<{
  readonly metered: ReadonlyMap<string, Usage>;
  readonly llm: readonly HeldLlmUsage[];
}> {
  const sums = await readSums(db, held, sql.fragment`(${IS_LLM} OR ${isMeteredOf(period)})`);
  return { metered: toMetered(sums), llm: toLlm(sums) };
}

const IS_LLM = sql.fragment`b.source = 'llm'`;

function isMeteredOf({ periodStart }: Period) {
  return sql.fragment`(b.source = 'metered' AND b.service_month = ${periodStart})`;
}

/** What is held, without what was excluded, of the buckets `b` for which `which` holds. */
function readSums(
  db: Queryable,
  { buckets, exclusions }: HeldUsage,
  which: ReturnType<typeof sql.fragment>,
): Promise<readonly HeldSum[]> {
  return db.any(sql.type(sum)`
    SELECT b.owner, b.source, b.deployment_id AS "deploymentId", b.resource_kind AS "resourceKind",
      to_char(b.service_month, 'YYYY-MM') AS "serviceMonth",
      sum(b.event_count - coalesce(x.events, 0))::text AS "requestCount",
      sum(b.total - coalesce(x.amount, 0)) AS total
    FROM (${buckets}) b LEFT JOIN (
      SELECT e.bucket_id, count(*) AS events, sum(e.amount) AS amount
      FROM usage_exclusions e WHERE ${exclusions} GROUP BY e.bucket_id
    ) x USING (bucket_id)
    WHERE ${which}
    GROUP BY b.owner, b.source, b.deployment_id, b.resource_kind, b.service_month
    ORDER BY b.owner, b.deployment_id, b.service_month
  `);
}

function toMetered(sums: readonly HeldSum[]): ReadonlyMap<string, Usage> {
  const metered = sums.filter(({ source }) => source === 'metered');
  const byDeployment = Map.groupBy(metered, ({ deploymentId }) => deploymentId);
  return new Map(
    [...byDeployment].map(([deploymentId, kinds]) => [
      deploymentId,
      // `Object.fromEntries` takes any name for a kind, `__proto__` too.
      Object.fromEntries(kinds.map(({ resourceKind, total }) => [resourceKind, total])),
    ]),
  );
}

function toLlm(sums: readonly HeldSum[]): readonly HeldLlmUsage[] {
  return sums
    .filter(({ source, requestCount }) => source === 'llm' && BigInt(requestCount) > 0n)
    .map(({ owner, deploymentId, serviceMonth, requestCount, total }) => ({
      owner,
      deploymentId,
      serviceMonth,
      requestCount,
      exactCents: total,
    }));
}
