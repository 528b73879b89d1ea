import { z } from 'zod';
import { monthStart, type Month, type Period } from '../../domain/period.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { sql, textArray } from '../sql.ts';
import { LLM_RESOURCE_KIND, type UsageSource } from './usage-ledger.ts';
import { invoiceOf, isApplied, isSettled } from '../standing.ts';

const excludable = z.object({
  tenantId: z.string(),
  deploymentId: z.string(),
  resourceKind: z.string(),
  serviceMonth: z.string(),
  bucketId: z.number(),
  /** The amount that an exclusion removes: exact cents, or a quantity. */
  amount: z.string(),
  /** The record that replaced this one. */
  replacedBy: z.string().nullable(),
});
/** An accepted event that could be excluded. */
export type ExcludableEvent = z.infer<typeof excludable>;

/**
 * Returns an accepted event by its id, from the ledger or the archive; null if it doesn't exist or has expired.
 */
export function findExcludable(
  db: Queryable,
  source: UsageSource,
  eventId: string,
): Promise<ExcludableEvent | null> {
  return db.maybeOne(
    source === 'llm'
      ? sql.type(excludable)`
          SELECT tenant_id AS "tenantId", deployment_id AS "deploymentId",
            ${LLM_RESOURCE_KIND} AS "resourceKind", service_month AS "serviceMonth",
            bucket_id AS "bucketId", charge_cents AS amount, NULL AS "replacedBy"
          FROM llm_usage_events WHERE gateway_request_id = ${eventId}
          UNION ALL
          SELECT e.tenant_id, e.deployment_id, ${LLM_RESOURCE_KIND}, e.service_month, e.bucket_id,
            e.charge_cents, NULL
          FROM archived_usage_ids k JOIN usage_buckets b USING (bucket_id)
          JOIN llm_usage_archive e ON e.service_month = b.service_month
            AND e.bucket_id = k.bucket_id AND e.gateway_request_id COLLATE "C" = k.id COLLATE "C"
          WHERE k.source = 'llm' AND k.id = ${eventId}`
      : sql.type(excludable)`
          SELECT r.tenant_id AS "tenantId", r.deployment_id AS "deploymentId",
            r.resource_kind AS "resourceKind", r.service_month AS "serviceMonth",
            r.bucket_id AS "bucketId", r.qty AS amount, s.record_id AS "replacedBy"
          FROM metered_usage_records r
          LEFT JOIN metered_usage_records s ON s.replaces = r.record_id
          WHERE r.record_id = ${eventId}
          UNION ALL
          SELECT r.tenant_id, r.deployment_id, r.resource_kind, r.service_month, r.bucket_id, r.qty, (
              -- A correction has the same deployment, kind and month, but may be in another bucket.
              SELECT s.record_id FROM usage_buckets o
              JOIN metered_usage_archive s ON s.service_month = o.service_month
                AND s.bucket_id = o.bucket_id AND s.replaces = r.record_id
              WHERE o.service_month = b.service_month AND o.tenant_id = b.tenant_id
                AND o.deployment_id = b.deployment_id AND o.resource_kind = b.resource_kind
            )
          FROM archived_usage_ids k JOIN usage_buckets b USING (bucket_id)
          JOIN metered_usage_archive r ON r.service_month = b.service_month
            AND r.bucket_id = k.bucket_id AND r.record_id COLLATE "C" = k.id COLLATE "C"
          WHERE k.source = 'metered' AND k.id = ${eventId}`,
  );
}

/**
 * Excludes an event from billing.
 * @returns false if the event was already excluded; the first exclusion stays
 */
export async function insertExclusion(
  tx: Transaction,
  source: UsageSource,
  eventId: string,
  { tenantId, bucketId, amount }: ExcludableEvent,
  { actor, reason }: { readonly actor: string; readonly reason: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(sql.typeAlias('nothing')`
    INSERT INTO usage_exclusions (source, event_id, tenant_id, bucket_id, amount, actor, reason)
    VALUES (${source}, ${eventId}, ${tenantId}, ${bucketId}, ${amount}::numeric, ${actor}, ${reason})
    ON CONFLICT (source, event_id) DO NOTHING
  `);
  return rowCount > 0;
}

/** An exclusion and the invoice that still bills its event, as the API serves it. */
export const exclusionSchema = z.object({
  source: z.enum(['llm', 'metered']),
  event_id: z.string(),
  tenant_id: z.string(),
  deployment_id: z.string(),
  resource_kind: z.string(),
  service_month: z.string().meta({ example: '2026-05' }),
  amount: z.string().describe('What no longer counts: exact cents, or a quantity.'),
  currency: z.string().nullable().describe('Of an LLM charge. Null: metered usage.'),
  actor: z.string(),
  reason: z.string(),
  excluded_at: z.iso.datetime(),
  still_billed_on: z
    .string()
    .nullable()
    .describe(
      'The number of the invoice that bills the event all the same, because it was issued before: ' +
        'force a re-run of still_billed_in.',
    ),
  still_billed_in: z
    .string()
    .nullable()
    .describe(
      "That invoice's month: late LLM usage is billed in a later one than its service month.",
    ),
});
export type Exclusion = z.infer<typeof exclusionSchema>;

/** Ends with a join, so that a WHERE clause can follow. */
const EXCLUSIONS = sql.fragment`
  SELECT e.exclusion_id, e.source, e.event_id, e.tenant_id, b.deployment_id, b.resource_kind,
    to_char(b.service_month, 'YYYY-MM') AS service_month, trim_scale(e.amount) AS amount,
    CASE e.source WHEN 'llm' THEN t.currency END AS currency, e.actor, e.reason, e.excluded_at,
    i.number AS still_billed_on, to_char(i.period_start, 'YYYY-MM') AS still_billed_in
  FROM usage_exclusions e JOIN usage_buckets b USING (bucket_id)
  JOIN tenants t ON t.tenant_id = e.tenant_id
  -- A void invoice bills nothing.
  LEFT JOIN invoices i ON i.invoice_id = b.sealed_for AND i.status <> 'void' AND NOT ${isApplied('e')}
`;

export function findExclusion(
  db: Queryable,
  source: UsageSource,
  eventId: string,
): Promise<Exclusion | null> {
  return db.maybeOne(sql.type(exclusionSchema)`
    SELECT source, event_id, tenant_id, deployment_id, resource_kind, service_month, amount, currency,
      actor, reason, excluded_at, still_billed_on, still_billed_in
    FROM (${EXCLUSIONS}) x WHERE source = ${source} AND event_id = ${eventId}
  `);
}

/** Returns which of these events are excluded. */
export async function findExcludedIds(
  db: Queryable,
  source: UsageSource,
  eventIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await db.anyFirst(sql.type(z.object({ event_id: z.string() }))`
    SELECT event_id FROM usage_exclusions
    WHERE source = ${source} AND event_id = ANY(${textArray(eventIds)})
  `);
  return new Set(found);
}

const billing = z.object({
  invoiceId: z.string(),
  /** Of the invoice or adjustment note that holds the usage. */
  number: z.string(),
  month: z.string(),
  isSettled: z.boolean(),
});

/** Returns the invoice that bills the usage of a bucket; null if none does yet, or a void one holds it. */
export function findBilling(
  db: Queryable,
  { bucketId }: Pick<ExcludableEvent, 'bucketId'>,
): Promise<z.infer<typeof billing> | null> {
  return db.maybeOne(sql.type(billing)`
    SELECT i.invoice_id AS "invoiceId", holder.number, to_char(i.period_start, 'YYYY-MM') AS month,
      ${isSettled('i')} AS "isSettled"
    FROM usage_buckets b JOIN invoices holder ON holder.invoice_id = b.sealed_for
    JOIN invoices i ON i.invoice_id = ${invoiceOf('holder')}
    WHERE b.bucket_id = ${bucketId} AND i.status <> 'void'
  `);
}

/** Returns the exclusions of a service month, latest first. */
export function listExclusions(
  db: Queryable,
  month: Month,
  limit: number,
): Promise<readonly Exclusion[]> {
  return db.any(sql.type(exclusionSchema)`
    SELECT source, event_id, tenant_id, deployment_id, resource_kind, service_month, amount, currency,
      actor, reason, excluded_at, still_billed_on, still_billed_in
    FROM (${EXCLUSIONS} WHERE b.service_month = ${monthStart(month)}) x
    ORDER BY exclusion_id DESC LIMIT ${limit}
  `);
}

const pending = z.object({
  tenant_id: z.string(),
  name: z.string(),
  currency: z.string(),
  /** Of the live invoice, even if an adjustment note of it bills the events. */
  number: z.string(),
  is_settled: z.boolean(),
  events: z.number(),
});
/** An invoice that still bills events excluded after it or its notes were issued, and how many. */
export type PendingExclusions = z.infer<typeof pending>;

/**
 * Returns the first `limit` invoices of the period that still bill events excluded after they were issued.
 * There is one per tenant, ordered by tenant id (bytes).
 * @param tenantId null: of all tenants
 */
export function listPendingExclusions(
  db: Queryable,
  { periodStart }: Period,
  limit: number,
  tenantId: string | null = null,
): Promise<readonly PendingExclusions[]> {
  const ofTenant = tenantId === null ? sql.fragment`` : sql.fragment`AND e.tenant_id = ${tenantId}`;
  return db.any(sql.type(pending)`
    SELECT e.tenant_id, t.name, t.currency, i.number, ${isSettled('i')} AS is_settled, count(*) AS events
    FROM usage_exclusions e JOIN usage_buckets b USING (bucket_id)
    JOIN invoices holder ON holder.invoice_id = b.sealed_for AND NOT ${isApplied('e')}
    JOIN invoices i ON i.invoice_id = ${invoiceOf('holder')}
    JOIN tenants t ON t.tenant_id = e.tenant_id
    WHERE i.period_start = ${periodStart} AND i.status <> 'void' ${ofTenant}
    GROUP BY e.tenant_id, t.name, t.currency, i.invoice_id ORDER BY e.tenant_id COLLATE "C" LIMIT ${limit}
  `);
}
