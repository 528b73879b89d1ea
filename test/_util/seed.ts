import { createHash } from 'node:crypto';
import type { Database } from '../../src/db/pool.ts';
import { insertRequest, type RequestContent } from '../../src/db/month-end/month-end-requests.ts';
import {
  DEFAULT_SELLER_SETTINGS,
  insertSeller,
  type RecordedSeller,
} from '../../src/db/catalogue/seller-details.ts';
import { sql } from '../../src/db/sql.ts';
import { periodOf } from './utc.ts';

/** The month that the tests close; long over, whatever the clock says. */
export const MONTH = '2026-05';

export interface SeedDeployment {
  readonly deploymentId: string;
  /** Default: `studio-v1`. Null: a subscription without a plan version. */
  readonly planVersionId?: string | null;
  readonly startsAt?: string;
  readonly endsAt?: string | null;
  readonly addons?: readonly {
    readonly code: string;
    readonly resourceKind: string;
    readonly qty: string;
    readonly priceCents: number;
  }[];
}

/** The `studio` plan of docs/spec.md#the-quote, and a plan in another currency. */
export async function seedCatalogue(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(
      sql.typeAlias('nothing')`INSERT INTO plans VALUES ('studio'), ('yankee'), ('huge')`,
    );
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration) VALUES
        ('studio', 1, 'AUD', 5000, 'daily'), ('yankee', 1, 'USD', 900, 'daily'),
        ('huge', 1, 'AUD', 9007199254740991, 'daily')`);
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO plan_items (plan_version_id, position, resource_kind, included_qty,
        overage_price_cents, overage_unit, hard_cap_qty) VALUES
        ('studio-v1', 1, 'droplet_hours', 744, 2, 'hour', NULL),
        ('studio-v1', 2, 'llm_tokens', 1000000, 1, '1k_tokens', NULL),
        ('studio-v1', 3, 'spaces_gb_month', 100, 2, 'gb_month', NULL),
        ('studio-v1', 4, 'snapshots', 3, NULL, NULL, NULL)`);
  });
}

/** Stores seller details, with the default settings unless others are given. */
export function seedSeller(
  db: Database,
  settings: Partial<RecordedSeller> = {},
  version = 1,
): Promise<void> {
  return db.transaction((tx) =>
    insertSeller(tx, version, {
      legal_name: 'Arcadia Cloud Pty Ltd',
      trading_name: null,
      abn: '51824753556',
      address: ['100 Harbour Street', 'Sydney NSW 2000'],
      email: null,
      payment_terms: 'Payable within 14 days.',
      payment_details: [],
      ...DEFAULT_SELLER_SETTINGS,
      ...settings,
    }),
  );
}

/** A tenant with its deployments, a subscription each, active since long before. */
export async function seedTenant(
  db: Database,
  tenantId: string,
  deployments: readonly SeedDeployment[] = [{ deploymentId: `${tenantId}-a` }],
  currency = 'AUD',
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(sql.typeAlias('nothing')`
      INSERT INTO tenants (tenant_id, name, currency) VALUES (${tenantId}, ${tenantId}, ${currency})`);
    for (const deployment of deployments) {
      const { deploymentId, planVersionId = 'studio-v1', endsAt = null, addons = [] } = deployment;
      const startsAt = deployment.startsAt ?? '2025-01-01T00:00:00Z';
      await tx.query(sql.typeAlias('nothing')`
        INSERT INTO deployments (deployment_id, tenant_id) VALUES (${deploymentId}, ${tenantId})`);
      await tx.query(sql.typeAlias('nothing')`
        INSERT INTO subscriptions
          (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at, ends_at)
        VALUES (${`sub-${deploymentId}`}, ${tenantId}, ${deploymentId}, ${planVersionId},
          ${startsAt}, ${endsAt})`);
      for (const [index, addon] of addons.entries()) {
        await tx.query(sql.typeAlias('nothing')`
          INSERT INTO subscription_addons (subscription_id, position, addon_code, resource_kind,
            qty, price_cents, starts_at)
          VALUES (${`sub-${deploymentId}`}, ${index + 1}, ${addon.code}, ${addon.resourceKind},
            ${addon.qty}, ${addon.priceCents}, ${startsAt})`);
      }
    }
  });
}

/** A tenant that is billed in US dollars, as LiteLLM states costs. */
export function seedUsd(
  db: Database,
  tenantId: string,
  deploymentIds: readonly string[],
): Promise<void> {
  const deployments = deploymentIds.map((deploymentId) => ({
    ...{ deploymentId, planVersionId: 'yankee-v1' },
  }));
  return seedTenant(db, tenantId, deployments, 'USD');
}

export interface SeedUsage {
  readonly tenantId: string;
  readonly deploymentId: string;
  /** `llm_usage` for priced LLM requests. */
  readonly kind: string;
  /** Cents of an LLM request, or a quantity. */
  readonly amount: string;
  readonly month?: string;
}

let lastUsageId = 0;

/** One accepted event, written as ingestion writes it. @returns its id */
export async function seedUsage(db: Database, usage: SeedUsage): Promise<string> {
  const { tenantId, deploymentId, kind, amount, month = MONTH } = usage;
  const isLlm = kind === 'llm_usage';
  const id = `seed-${(lastUsageId += 1)}`;
  await db.transaction(async (tx) => {
    await tx.query(sql.typeAlias('nothing')`
      WITH bucket AS (
        INSERT INTO usage_buckets
          (source, tenant_id, deployment_id, resource_kind, service_month, model, event_count, total)
        VALUES (${isLlm ? 'llm' : 'metered'}, ${tenantId}, ${deploymentId}, ${kind},
          ${`${month}-01`}, ${isLlm ? 'model' : ''}, 1, ${amount}::numeric)
        ON CONFLICT (tenant_id, service_month, deployment_id, resource_kind, model, source)
          WHERE sealed_for IS NULL
        DO UPDATE SET event_count = usage_buckets.event_count + 1,
          total = usage_buckets.total + excluded.total
        RETURNING bucket_id
      )
      ${
        isLlm
          ? sql.fragment`INSERT INTO llm_usage_events (gateway_request_id, tenant_id, deployment_id,
              model, occurred_at, service_month, charge_cents, currency, content_hash, bucket_id)
            SELECT ${id}, ${tenantId}, ${deploymentId}, 'model', ${`${month}-15T00:00:00Z`},
              ${`${month}-01`}, ${amount}::numeric, 'AUD', ${hash(id)}, bucket_id FROM bucket`
          : sql.fragment`INSERT INTO metered_usage_records (record_id, tenant_id, deployment_id,
              resource_kind, occurred_at, service_month, qty, added_qty, content_hash, bucket_id)
            SELECT ${id}, ${tenantId}, ${deploymentId}, ${kind}, ${`${month}-15T00:00:00Z`},
              ${`${month}-01`}, ${amount}::numeric, ${amount}::numeric, ${hash(id)}, bucket_id
            FROM bucket`
      }`);
  });
  return id;
}

/** Stores a request that no run has served yet: for a run of the month, unless `content` says otherwise. */
export async function seedRequest(
  db: Database,
  month: string,
  {
    requestId,
    actor = 'test',
    ...content
  }: Partial<RequestContent> & { requestId: string; actor?: string },
): Promise<void> {
  const request = {
    kind: 'run',
    allTenants: false,
    tenantIds: [],
    reason: null,
    onlyIfChanged: false,
    acceptBounds: false,
    ...content,
    requestId,
    actor,
  } as const;
  await db.transaction((tx) => insertRequest(tx, periodOf(month), request));
}

function hash(text: string) {
  return sql.binary(createHash('sha256').update(text).digest());
}
