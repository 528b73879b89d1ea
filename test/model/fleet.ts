import type { Database } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { periodOf } from '../_util/utc.ts';
import { TREATMENTS } from './tax-rules.ts';

/**
 * The tenants and plans of a sequence. Prices and caps are small, so that sequences soon reach ten times the last total,
 * and usage that changes only a line's description.
 */

export interface PlanItem {
  readonly kind: string;
  readonly included: string;
  readonly priceCents: number | null;
  readonly unit: string;
  /** How many of the kind's units one priced unit holds. */
  readonly per: number;
  readonly cap: string | null;
}

export interface Plan {
  readonly id: string;
  readonly version: number;
  readonly currency: string;
  readonly baseCents: number;
  readonly items: readonly PlanItem[];
}

const HOURS = { kind: 'hours', unit: 'hour', per: 1 };
const TOKENS = { kind: 'tokens', unit: '1k_tokens', per: 1000 };
const SNAPSHOTS = { kind: 'snapshots', unit: 'snapshot', per: 1 };

export const PLANS = {
  small: {
    id: 'model-v1',
    version: 1,
    currency: 'AUD',
    baseCents: 1000,
    items: [
      { ...HOURS, included: '10', priceCents: 30, cap: '14' },
      { ...TOKENS, included: '1000', priceCents: 7, cap: null },
      { ...SNAPSHOTS, included: '1', priceCents: null, cap: null },
    ],
  },
  large: {
    id: 'model-v2',
    version: 2,
    currency: 'AUD',
    baseCents: 1500,
    items: [
      { ...HOURS, included: '20', priceCents: 11, cap: null },
      { ...TOKENS, included: '0', priceCents: 3, cap: '600' },
    ],
  },
  foreign: { id: 'model-v3', version: 3, currency: 'USD', baseCents: 900, items: [] },
} as const satisfies Record<string, Plan>;
export type PlanName = keyof typeof PLANS;

/** Kinds of metered usage; the last one is in no plan. */
export const KINDS = ['hours', 'tokens', 'snapshots', 'coffee'] as const;
export type Kind = (typeof KINDS)[number];

export interface Addon {
  readonly code: string;
  readonly kind: Kind;
  readonly qty: string;
  readonly priceCents: number;
}

export interface Deployment {
  readonly id: string;
  readonly tenant: string;
  readonly subscriptionId: string;
  /** At the start. */
  readonly plan: PlanName;
  /** The months at whose end its subscription is in force, by their index. */
  readonly due: { readonly from: number; readonly to: number };
  readonly addons: readonly Addon[];
}

export interface Fleet {
  /** Three in a row, over when the sequence starts. */
  readonly months: readonly string[];
  readonly tenants: readonly string[];
  /** In the order of their ids. */
  readonly deployments: readonly Deployment[];
}

export const MONTH_COUNT = 3;
export const TENANT_COUNT = 3;
export const DEPLOYMENT_COUNT = 4;

/**
 * Three tenants: one with an addon and a second deployment that comes a month later, a plain one,
 * and one that leaves before the last month and so is due then only for its LLM usage.
 * @param name of the sequence, unique in its database
 */
export function fleetOf(name: string, months: readonly string[]): Fleet {
  const [anna, bert, cleo] = ['a', 'b', 'c'].map((letter) => `${name}-${letter}`);
  const last = MONTH_COUNT - 1;
  const deployment = (
    tenant: string | undefined,
    number: number,
    terms: Pick<Deployment, 'plan' | 'due'> & Partial<Deployment>,
  ): Deployment => {
    const id = `${tenant}-${number}`;
    return { id, tenant: tenant ?? '', subscriptionId: `sub-${id}`, addons: [], ...terms };
  };
  const extra: Addon = { code: 'extra', kind: 'tokens', qty: '500', priceCents: 150 };
  const always = { from: 0, to: last };
  return {
    months,
    tenants: [anna ?? '', bert ?? '', cleo ?? ''],
    deployments: [
      deployment(anna, 1, { plan: 'small', due: always, addons: [extra] }),
      deployment(anna, 2, { plan: 'large', due: { from: 1, to: last } }),
      deployment(bert, 1, { plan: 'large', due: always }),
      deployment(cleo, 1, { plan: 'small', due: { from: 0, to: last - 1 } }),
    ],
  };
}

/** The plans and tax treatments, once in a database. */
export async function seedPlans(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    for (const [code, { label, rate }] of Object.entries(TREATMENTS)) {
      await tx.query(sql.typeAlias('nothing')`
        INSERT INTO tax_treatments (treatment_code, label, rate) VALUES (${code}, ${label}, ${rate}::numeric)
        ON CONFLICT DO NOTHING`);
    }
    await tx.query(sql.typeAlias('nothing')`INSERT INTO plans VALUES ('model')`);
    for (const { id, version, currency, baseCents, items } of Object.values<Plan>(PLANS)) {
      await tx.query(sql.typeAlias('nothing')`
        INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
        VALUES ('model', ${version}, ${currency}, ${baseCents}, 'none')`);
      await tx.query(sql.typeAlias('nothing')`
        INSERT INTO plan_items (plan_version_id, position, resource_kind, included_qty,
          overage_price_cents, overage_unit, hard_cap_qty)
        SELECT ${id}, position, kind, included, "priceCents", unit, cap
        FROM jsonb_to_recordset(${sql.jsonb(items.map((item, n) => ({ ...item, position: n + 1 })))})
          AS i (position int, kind text, included numeric, "priceCents" bigint, unit text, cap numeric)`);
    }
  });
}

/** A sequence's tenants, with subscriptions that are in force in its own months only. */
export async function seedFleet(db: Database, { months, tenants, deployments }: Fleet) {
  const rows = deployments.map(({ due, addons, ...deployment }) => ({
    ...deployment,
    planVersionId: PLANS[deployment.plan].id,
    startsAt: periodOf(months[due.from] ?? '').startsAt,
    endsAt: periodOf(months[due.to] ?? '').endsAt,
    addons,
  }));
  const addons = rows.flatMap(({ subscriptionId, startsAt, addons: own }) =>
    own.map((addon, n) => ({ ...addon, subscriptionId, startsAt, position: n + 1 })),
  );
  await db.transaction(async (tx) => {
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO tenants (tenant_id, name, currency)
      SELECT id, id, 'AUD' FROM unnest(${sql.array([...tenants], 'text')}) AS id`);
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO deployments (deployment_id, tenant_id)
      SELECT id, tenant FROM jsonb_to_recordset(${sql.jsonb(rows)}) AS d (id text, tenant text)`);
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO subscriptions
        (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at, ends_at)
      SELECT "subscriptionId", tenant, id, "planVersionId", "startsAt", "endsAt"
      FROM jsonb_to_recordset(${sql.jsonb(rows)}) AS d (id text, tenant text, "subscriptionId" text,
        "planVersionId" text, "startsAt" timestamptz, "endsAt" timestamptz)`);
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO subscription_addons (subscription_id, position, addon_code, resource_kind, qty,
        price_cents, starts_at)
      SELECT "subscriptionId", position, code, kind, qty, "priceCents", "startsAt"
      FROM jsonb_to_recordset(${sql.jsonb(addons)}) AS a ("subscriptionId" text, position int,
        code text, kind text, qty numeric, "priceCents" bigint, "startsAt" timestamptz)`);
  });
}
