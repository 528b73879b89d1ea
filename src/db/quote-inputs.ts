import { z } from 'zod';
import type { QuoteCursor } from '../contracts/activities.ts';
import type { Period } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';
import type { LockedDraft } from './drafts.ts';
import { inForceAtEndOf } from './due-tenants.ts';
import type { Queryable } from './pool.ts';
import { jsonRows, sql, textArray, uuidArray } from './sql.ts';

const addon = z.object({
  code: z.string(),
  resourceKind: z.string(),
  /** Decimal string. */
  qty: z.string(),
  priceCents: z.number().int(),
});

const subscription = z.object({
  draftId: z.string(),
  tenantId: z.string(),
  deploymentId: z.string(),
  subscriptionId: z.string(),
  planVersionId: z.string().nullable(),
  /** In the order in which they were attached. */
  addons: z.array(addon),
});
/** A subscription in force at the period's last instant, with its addons then. */
export type DueSubscription = z.infer<typeof subscription>;

/** The next subscriptions to quote, in the order of (draft, deployment). */
export function nextSubscriptions(
  db: Queryable,
  period: Period,
  drafts: readonly LockedDraft[],
  after: QuoteCursor | null,
  limit: number,
): Promise<readonly DueSubscription[]> {
  const isAfter = after
    ? sql.fragment`AND (d."draftId", s.deployment_id) > (${after.draftId}::uuid, ${after.deploymentId})`
    : sql.fragment``;
  return db.any(sql.type(subscription)`
    SELECT d."draftId", s.tenant_id AS "tenantId", s.deployment_id AS "deploymentId",
      s.subscription_id AS "subscriptionId", s.plan_version_id AS "planVersionId",
      coalesce(addons.list, '[]') AS addons
    FROM jsonb_to_recordset(${jsonRows(drafts)}) AS d ("draftId" uuid, "tenantId" text)
    JOIN subscriptions s ON s.tenant_id = d."tenantId"
    LEFT JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('code', a.addon_code, 'resourceKind', a.resource_kind,
        'qty', a.qty::text, 'priceCents', a.price_cents) ORDER BY a.position) AS list
      FROM subscription_addons a
      WHERE a.subscription_id = s.subscription_id AND ${inForceAtEndOf(period, 'a')}
    ) addons ON true
    WHERE ${inForceAtEndOf(period, 's')} ${isAfter}
    ORDER BY d."draftId", s.deployment_id
    LIMIT ${limit}
  `);
}

const usage = z.object({
  deploymentId: z.string(),
  resourceKind: z.string(),
  /** Decimal string. */
  total: z.string(),
});

/**
 * Metered usage of the period by deployment and kind: what is sealed for these
 * drafts, and for the invoices that they replace. Nothing else is read, so
 * nothing can change between quote and issue.
 */
export function sealedMeteredUsage(
  db: Queryable,
  period: Period,
  drafts: readonly LockedDraft[],
  deploymentIds: readonly string[],
): Promise<readonly z.infer<typeof usage>[]> {
  return db.any(sql.type(usage)`
    SELECT deployment_id AS "deploymentId", resource_kind AS "resourceKind", sum(total) AS total
    FROM usage_buckets
    WHERE sealed_for = ANY(${uuidArray(holdersOf(drafts))}) AND source = 'metered'
      AND service_month = ${period.periodStart} AND deployment_id = ANY(${textArray(deploymentIds)})
    GROUP BY deployment_id, resource_kind
  `);
}

const llmUsage = z.object({
  holder: z.string(),
  deploymentId: z.string(),
  serviceMonth: z.string(),
  requestCount: z.string(),
  /** Decimal string. */
  exactCents: z.string(),
});

/** LLM usage by deployment and service month, from the same places. */
export function sealedLlmUsage(
  db: Queryable,
  drafts: readonly LockedDraft[],
): Promise<readonly z.infer<typeof llmUsage>[]> {
  const holders = drafts.flatMap(({ draftId, replacesInvoiceId }) => [
    { draftId, holder: draftId },
    ...(replacesInvoiceId ? [{ draftId, holder: replacesInvoiceId }] : []),
  ]);
  return db.any(sql.type(llmUsage)`
    SELECT h."draftId" AS holder, b.deployment_id AS "deploymentId",
      to_char(b.service_month, 'YYYY-MM') AS "serviceMonth",
      sum(b.event_count)::text AS "requestCount", sum(b.total) AS "exactCents"
    FROM jsonb_to_recordset(${jsonRows(holders)}) AS h ("draftId" uuid, holder uuid)
    JOIN usage_buckets b ON b.sealed_for = h.holder AND b.source = 'llm'
    GROUP BY 1, 2, b.service_month
    ORDER BY 1, 2, b.service_month
  `);
}

function holdersOf(drafts: readonly LockedDraft[]): string[] {
  return drafts.flatMap(({ draftId, replacesInvoiceId }) =>
    replacesInvoiceId ? [draftId, replacesInvoiceId] : [draftId],
  );
}

const planVersion = z.object({
  id: z.string(),
  version: z.number(),
  currency: z.string(),
  basePriceCents: z.number(),
  items: z.array(
    z.object({
      resourceKind: z.string(),
      includedQty: z.string().nullable(),
      hardCapQty: z.string().nullable(),
      overagePriceCents: z.number().int().nullable(),
      overageUnit: z.string().nullable(),
    }),
  ),
}) satisfies z.ZodType<PlanVersion>;

/** Plan versions with their items in order. They are immutable: safe to keep. */
export function findPlanVersions(
  db: Queryable,
  ids: readonly string[],
): Promise<readonly PlanVersion[]> {
  return db.any(sql.type(planVersion)`
    SELECT v.plan_version_id AS id, v.version, v.currency, v.base_price_cents AS "basePriceCents",
      coalesce((
        SELECT jsonb_agg(jsonb_build_object('resourceKind', i.resource_kind,
          'includedQty', i.included_qty::text, 'hardCapQty', i.hard_cap_qty::text,
          'overagePriceCents', i.overage_price_cents, 'overageUnit', i.overage_unit)
          ORDER BY i.position)
        FROM plan_items i WHERE i.plan_version_id = v.plan_version_id
      ), '[]') AS items
    FROM plan_versions v WHERE v.plan_version_id = ANY(${textArray(ids)})
  `);
}
