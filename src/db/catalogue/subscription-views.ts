import { z } from 'zod';
import { type Page, allOf, sql, textArray } from '../sql.ts';
import type { Queryable } from '../pool.ts';

/** Reads subscriptions for the API. Fields are named as in a subscriptions file. */

export const SUBSCRIPTION_STATUSES = ['pending', 'active', 'cancelled'] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

const attachedAddon = z.object({
  code: z.string(),
  name: z.string().nullable(),
  resource_kind: z.string(),
  qty: z.string(),
  price_cents: z.int(),
  starts_at: z.iso.datetime(),
  ends_at: z.iso.datetime().nullable(),
  allow_repeated: z
    .boolean()
    .describe('Whether it may be in force beside another one of the same code.'),
});

export const SUBSCRIPTION_EXAMPLE = {
  subscription_id: 'acme-web-1',
  tenant_id: 'acme',
  deployment_id: 'acme-web',
  plan: { code: 'studio', version: 1 },
  status: 'active',
  starts_at: '2026-05-20T00:00:00Z',
  ends_at: null,
  addons: [
    {
      code: 'storage_50gb',
      name: 'Extra storage',
      resource_kind: 'spaces_gb_month',
      qty: '50',
      price_cents: 750,
      starts_at: '2026-05-20T00:00:00Z',
      ends_at: null,
      allow_repeated: false,
    },
  ],
};

/** A subscription with the snapshots of its addons. */
export const subscriptionSchema = z
  .object({
    subscription_id: z.string(),
    tenant_id: z.string(),
    deployment_id: z.string(),
    plan: z
      .object({ code: z.string(), version: z.int() })
      .nullable()
      .describe('Null: month end parks the tenant.'),
    status: z
      .enum(SUBSCRIPTION_STATUSES)
      .describe('pending: without a start; cancelled: with an end, past or ahead.'),
    starts_at: z.iso.datetime().nullable(),
    ends_at: z.iso
      .datetime()
      .nullable()
      .describe('The first instant at which it is no longer in force.'),
    addons: z
      .array(attachedAddon)
      .describe(
        'As they were when they were attached, and in that order; later changes of the catalogue ' +
          "don't touch them.",
      ),
  })
  .meta({ example: SUBSCRIPTION_EXAMPLE });
export type SubscriptionView = z.infer<typeof subscriptionSchema>;

export interface SubscriptionFilter {
  readonly tenantId?: string | undefined;
  readonly deploymentId?: string | undefined;
  readonly status?: SubscriptionStatus | undefined;
  /** Only those that have ended by an instant, or those that haven't. */
  readonly ended?: { readonly by: Date; readonly is: boolean } | undefined;
}

/** Condition on a subscription: it is in force at an instant. */
export function isInForceAt(alias: string, at: Date) {
  const column = (name: string) => sql.identifier([alias, name]);
  const instant = sql.fragment`${at.toISOString()}::timestamptz`;
  return sql.fragment`(${column('starts_at')} <= ${instant}
    AND (${column('ends_at')} IS NULL OR ${column('ends_at')} > ${instant}))`;
}

const subscriptionRow = subscriptionSchema.omit({ addons: true });
type SubscriptionRow = z.infer<typeof subscriptionRow>;

const SELECT_SUBSCRIPTIONS = sql.fragment`
  SELECT s.subscription_id, s.tenant_id, s.deployment_id,
    CASE WHEN v.plan_version_id IS NOT NULL
      THEN jsonb_build_object('code', v.plan_code, 'version', v.version) END AS plan,
    s.status, s.starts_at, s.ends_at
  FROM subscriptions s LEFT JOIN plan_versions v USING (plan_version_id)
`;

export async function showSubscription(
  db: Queryable,
  subscriptionId: string,
): Promise<SubscriptionView | null> {
  const rows = await db.any(sql.type(subscriptionRow)`
    ${SELECT_SUBSCRIPTIONS} WHERE s.subscription_id = ${subscriptionId}
  `);
  const [subscription] = await withAddons(db, rows);
  return subscription ?? null;
}

/** Returns a page of subscriptions, ordered by id. */
export async function listSubscriptions(
  db: Queryable,
  { tenantId, deploymentId, status, ended }: SubscriptionFilter,
  { after, limit }: Page<string>,
): Promise<readonly SubscriptionView[]> {
  const conditions = [
    tenantId !== undefined && sql.fragment`s.tenant_id = ${tenantId}`,
    deploymentId !== undefined && sql.fragment`s.deployment_id = ${deploymentId}`,
    status !== undefined && sql.fragment`s.status = ${status}`,
    ended !== undefined &&
      sql.fragment`coalesce(s.ends_at <= ${ended.by.toISOString()}::timestamptz, false) = ${ended.is}::boolean`,
    after !== null && sql.fragment`s.subscription_id > ${after}`,
  ];
  const rows = await db.any(sql.type(subscriptionRow)`
    ${SELECT_SUBSCRIPTIONS}
    WHERE ${allOf(conditions)}
    ORDER BY s.subscription_id LIMIT ${limit}
  `);
  return withAddons(db, rows);
}

const addonRow = attachedAddon.extend({ subscription_id: z.string() });

async function withAddons(
  db: Queryable,
  rows: readonly SubscriptionRow[],
): Promise<readonly SubscriptionView[]> {
  const addons = await db.any(sql.type(addonRow)`
    SELECT subscription_id, addon_code AS code, name, resource_kind, trim_scale(qty)::text AS qty,
      price_cents, starts_at, ends_at, allow_repeated
    FROM subscription_addons
    WHERE subscription_id = ANY (${textArray(rows.map((row) => row.subscription_id))})
    ORDER BY subscription_id, position
  `);
  const bySubscription = Map.groupBy(addons, (addon) => addon.subscription_id);
  return rows.map((row) => ({
    ...row,
    addons: (bySubscription.get(row.subscription_id) ?? []).map(
      ({ subscription_id: _, ...addon }) => addon,
    ),
  }));
}
