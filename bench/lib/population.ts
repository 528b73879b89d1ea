import type pg from 'pg';

/** The month that benches close, which is long past. */
export const MONTH = '2026-05';

/** The properties of every tenant in a population. */
export interface PopulationShape {
  readonly tenants: number;
  /** Number of subscriptions, each on its own deployment. */
  readonly subscriptionsPerTenant: number;
  /** Whether each subscription has an addon: 50 GB of storage. */
  readonly withAddon: boolean;
  /** Whether each deployment changes its plan on the 16th of the month. */
  readonly changesPlan?: boolean;
  /** Kinds of metered usage per deployment, each above its allowance and so with a line. */
  readonly meteredKinds: 0 | 1 | 2;
  /** Records per kind. */
  readonly recordsPerKind: number;
  /** Priced LLM requests per deployment; one line if there are any. */
  readonly llmEvents: number;
}

const CHANGED_AT = `${MONTH}-16T00:00:00Z`;

/** Three subscriptions, overage and LLM usage: 16 lines per tenant, including the tax. */
export const USUAL_TENANT = {
  subscriptionsPerTenant: 3,
  withAddon: true,
  meteredKinds: 2,
  recordsPerKind: 4,
  llmEvents: 10,
} as const satisfies Omit<PopulationShape, 'tenants'>;

/** Kinds in the order in which a shape uses them, with the included quantity of each. */
const METERED = [
  { kind: 'droplet_hours', allowance: 744 },
  { kind: 'spaces_gb_month', allowance: 150 },
] as const;

/**
 * Writes catalogue, tenants and a month of usage, set-based and reproducible by seed. The ledger is
 * consistent as after ingestion: every bucket's sum is that of its events.
 */
export async function insertPopulation(
  client: pg.ClientBase,
  shape: PopulationShape,
  seed: number,
): Promise<void> {
  await client.query('BEGIN');
  await insertCatalogue(client);
  await insertTenants(client, shape);
  await insertUsage(client, shape, seed);
  await client.query('COMMIT');
}

/** Runs PostgreSQL's maintenance now, so that it doesn't run during a measurement. */
export async function settle(client: pg.ClientBase): Promise<void> {
  await client.query('VACUUM (ANALYZE)');
  await client.query('CHECKPOINT');
}

async function insertCatalogue(client: pg.ClientBase): Promise<void> {
  await client.query(`
    INSERT INTO plans VALUES ('studio'), ('team');
    INSERT INTO plan_versions (plan_code, version, currency, base_price_cents, proration)
      VALUES ('studio', 1, 'AUD', 5000, 'daily'), ('team', 1, 'AUD', 9000, 'daily');
    INSERT INTO plan_items (plan_version_id, position, resource_kind, included_qty,
      overage_price_cents, overage_unit, hard_cap_qty)
    SELECT plan_version_id, item.* FROM plan_versions, (VALUES
      (1, 'droplet_hours', 744, 2, 'hour', NULL::numeric),
      (2, 'llm_tokens', 1000000, 1, '1k_tokens', NULL),
      (3, 'spaces_gb_month', 100, 2, 'gb_month', NULL),
      (4, 'snapshots', 3, NULL, NULL, NULL)) item ORDER BY plan_version_id;
    INSERT INTO addons (addon_code, resource_kind, qty, price_cents)
      VALUES ('storage_50gb', 'spaces_gb_month', 50, 750)`);
}

async function insertTenants(client: pg.ClientBase, shape: PopulationShape): Promise<void> {
  await client.query(
    `INSERT INTO tenants (tenant_id, name, currency)
     SELECT id, id, 'AUD'
     FROM generate_series(1, $1::int) n, LATERAL (SELECT 'tenant-' || lpad(n::text, 6, '0')) t (id)`,
    [shape.tenants],
  );
  await client.query(
    `INSERT INTO deployments (deployment_id, tenant_id)
     SELECT tenant_id || '-' || lpad(n::text, 5, '0'), tenant_id
     FROM tenants, generate_series(1, $1::int) n ORDER BY tenant_id, n`,
    [shape.subscriptionsPerTenant],
  );
  await client.query(
    `INSERT INTO subscriptions
       (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at, ends_at)
     SELECT 'sub-' || deployment_id, tenant_id, deployment_id, 'studio-v1', '2018-01-01Z', $1::timestamptz
     FROM deployments ORDER BY deployment_id`,
    [shape.changesPlan ? CHANGED_AT : null],
  );
  if (shape.changesPlan) {
    await client.query(
      `INSERT INTO subscriptions
         (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at)
       SELECT subscription_id || '-2', tenant_id, deployment_id, 'team-v1', ends_at
       FROM subscriptions ORDER BY deployment_id`,
    );
  }
  if (!shape.withAddon) return;
  await client.query(
    `INSERT INTO subscription_addons
       (subscription_id, position, addon_code, resource_kind, qty, price_cents, starts_at)
     SELECT subscription_id, 1, addon_code, resource_kind, qty, price_cents, starts_at
     FROM subscriptions, addons ORDER BY subscription_id`,
  );
}

async function insertUsage(
  client: pg.ClientBase,
  { meteredKinds, recordsPerKind, llmEvents }: PopulationShape,
  seed: number,
): Promise<void> {
  const kinds = [
    ...METERED.slice(0, meteredKinds).map(({ kind, allowance }) => ({
      source: 'metered',
      kind,
      events: recordsPerKind,
      // Together they exceed the allowance, whatever the random part.
      least: Math.ceil(allowance / recordsPerKind) + 1,
    })),
    { source: 'llm', kind: 'llm_usage', events: llmEvents, least: 0 },
  ];
  await client.query(
    `CREATE TEMP TABLE generated ON COMMIT DROP AS
     SELECT k.source, k.kind, d.tenant_id, d.deployment_id,
       d.deployment_id || '/' || k.kind || '/' || n AS id,
       round(k.least + (chance & 8191)::numeric / 100, 2) AS amount,
       $2::timestamptz + ((chance >> 13) & 1048575) * interval '1 second' AS occurred_at
     FROM deployments d
       CROSS JOIN jsonb_to_recordset($1::jsonb)
         AS k (source text, kind text, events int, least int)
       CROSS JOIN generate_series(1, k.events) n
       CROSS JOIN LATERAL hashtextextended(d.deployment_id || k.kind || n, $3) chance`,
    [JSON.stringify(kinds), `${MONTH}-01T00:00:00Z`, seed],
  );
  await client.query(
    `INSERT INTO usage_buckets
       (source, tenant_id, deployment_id, resource_kind, service_month, model, event_count, total)
     SELECT source, tenant_id, deployment_id, kind, $1, CASE source WHEN 'llm' THEN 'large-2' ELSE '' END,
       count(*), sum(amount)
     FROM generated GROUP BY source, tenant_id, deployment_id, kind
     ORDER BY source, deployment_id, kind`,
    [`${MONTH}-01`],
  );
  const fromBuckets = `FROM generated g JOIN usage_buckets b
    ON (b.source, b.deployment_id, b.resource_kind) = (g.source, g.deployment_id, g.kind)`;
  await client.query(
    `INSERT INTO llm_usage_events (gateway_request_id, tenant_id, deployment_id, model, occurred_at,
       service_month, charge_cents, currency, content_hash, bucket_id)
     SELECT id, b.tenant_id, b.deployment_id, 'large-2', occurred_at,
       b.service_month, amount, 'AUD', sha256(convert_to(id, 'UTF8')), b.bucket_id
     ${fromBuckets} WHERE g.source = 'llm'`,
  );
  await client.query(
    `INSERT INTO metered_usage_records (record_id, tenant_id, deployment_id, resource_kind,
       occurred_at, service_month, qty, added_qty, content_hash, bucket_id)
     SELECT id, b.tenant_id, b.deployment_id, b.resource_kind,
       occurred_at, b.service_month, amount, amount, sha256(convert_to(id, 'UTF8')), b.bucket_id
     ${fromBuckets} WHERE g.source = 'metered'`,
  );
}
