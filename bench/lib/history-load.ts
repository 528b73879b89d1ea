import type pg from 'pg';
import { MONTH } from './population.ts';

export interface HistoryShape {
  /** Months before the one being closed. */
  readonly months: number;
  /** Events summed in the buckets. */
  readonly eventsCounted: number;
  /** Of those, events stored as rows, for the last months. */
  readonly eventsStored: number;
}

/** The amount that each event adds to its bucket: cents or a quantity. */
const AMOUNT = '1.25';

/**
 * Fills the tables with the history of an existing population: for each tenant and month a draft
 * that became an invoice with lines, buckets, usage, digest and outcome. Set-based and without
 * triggers, so it runs as a superuser and only in benches.
 */
export async function insertHistory(
  client: pg.ClientBase,
  { months, eventsCounted, eventsStored }: HistoryShape,
): Promise<void> {
  await client.query('SET session_replication_role = replica');
  await client.query('SET synchronous_commit = off');
  await client.query(`SET work_mem = '256MB'`);
  await client.query(
    `CREATE TEMP TABLE past AS
     SELECT gen_random_uuid() AS invoice_id, tenant_id, n AS seq,
       ($1::date - n * interval '1 month')::date AS period_start
     FROM tenants, generate_series(1, $2::int) n`,
    [`${MONTH}-01`, months],
  );
  // The most recent month gets the last number.
  await client.query('UPDATE past SET seq = $1::int + 1 - seq', [months]);
  await client.query('UPDATE tenants SET last_invoice_seq = $1', [months]);
  await insertInvoices(client);
  const { rows } = await client.query<{ buckets: number }>(
    'SELECT count(*)::int AS buckets FROM deployments d JOIN past USING (tenant_id)',
  );
  const kinds = 3;
  const perBucket = Math.max(1, Math.round(eventsCounted / ((rows[0]?.buckets ?? 1) * kinds)));
  await insertBuckets(client, perBucket);
  await insertEvents(client, perBucket, eventsStored);
  await client.query('DROP TABLE past');
  await client.query('RESET session_replication_role');
  await client.query('RESET synchronous_commit');
  await client.query('RESET work_mem');
}

/** Three lines and their usage for each deployment, and the tax. */
async function insertInvoices(client: pg.ClientBase): Promise<void> {
  await client.query(`
    CREATE TEMP TABLE past_line AS
    SELECT p.invoice_id, p.period_start, d.tenant_id, d.deployment_id, k.*,
      row_number() OVER (PARTITION BY p.invoice_id ORDER BY d.deployment_id, k.place) AS line_no
    FROM past p JOIN deployments d USING (tenant_id) CROSS JOIN (VALUES
      (1, 'plan_base', NULL, NULL, 'Plan base', 1, 'month', 5000::bigint, 5000::bigint),
      (2, 'addon', NULL, 'spaces_gb_month', 'Addon: storage_50gb', 1, 'month', 750, 750),
      (3, 'overage', 'metered', 'droplet_hours', 'droplet_hours overage', 168, 'hour', 2, 336),
      (4, 'overage', 'metered', 'spaces_gb_month', 'spaces_gb_month overage', 200, 'gb_month', 2, 400),
      (5, 'llm_usage', 'llm', NULL, 'LLM usage', 10, 'request', NULL, 410)
    ) AS k (place, kind, source, resource_kind, description, qty, unit, unit_price_cents, amount_cents);
    CREATE INDEX ON past_line (invoice_id);
    ANALYZE past_line`);
  await client.query(`
    INSERT INTO invoice_drafts (draft_id, tenant_id, period_start, state, owner, owner_started_at,
      opened_at, closed_at)
    SELECT invoice_id, tenant_id, period_start, 'issued', 'past-' || period_start,
      period_start + interval '1 month', period_start + interval '1 month', period_start + interval '1 month'
    FROM past ORDER BY period_start, tenant_id`);
  await client.query(`
    INSERT INTO invoices (invoice_id, tenant_id, period_start, period_end, revision, tenant_seq,
      number, currency, subtotal_cents, plan_base_cents, addon_cents, overage_cents, llm_usage_cents,
      taxable_cents, tax_cents, total_cents, buyer_name, issued_at,
      issued_on, payment_days, tax_treatment, tax_label, tax_rate, seller_registered)
    SELECT invoice_id, tenant_id, period_start, period_start + interval '1 month' - interval '1 day',
      1, seq, tenant_id || '-' || lpad(seq::text, 6, '0'), 'AUD', subtotal, plan_base, addon, overage, llm_usage,
      subtotal, round(subtotal / 10), subtotal + round(subtotal / 10), tenant_id, period_start + interval '1 month',
      period_start + interval '1 month', 14, 'gst', 'GST', 0.10, true
    FROM past JOIN LATERAL (
      SELECT sum(amount_cents) AS subtotal, sum(amount_cents) FILTER (WHERE kind = 'plan_base') AS plan_base,
        sum(amount_cents) FILTER (WHERE kind = 'addon') AS addon,
        sum(amount_cents) FILTER (WHERE kind = 'overage') AS overage,
        sum(amount_cents) FILTER (WHERE kind = 'llm_usage') AS llm_usage
      FROM past_line l WHERE l.invoice_id = past.invoice_id
    ) s ON true
    ORDER BY period_start, tenant_id`);
  await client.query(`
    INSERT INTO releases (tenant_id, period_start, actor, reason)
    SELECT tenant_id, period_start, 'history', 'issued' FROM past ORDER BY period_start, tenant_id`);
  await client.query(`
    INSERT INTO invoice_lines (invoice_id, line_no, deployment_id, subscription_id, kind,
      resource_kind, description, qty, unit, unit_price_cents, amount_cents, meta)
    SELECT invoice_id, line_no, deployment_id,
      CASE WHEN kind <> 'llm_usage' THEN 'sub-' || deployment_id END, kind, resource_kind,
      description, qty, unit, unit_price_cents, amount_cents, CASE kind
        WHEN 'plan_base' THEN '{"version": 1, "plan_version_id": "studio-v1"}'::jsonb
        WHEN 'addon' THEN '{"addon_code": "storage_50gb", "included_qty": "50"}'
        WHEN 'overage' THEN '{"used": "912", "capped": false, "addon_qty": "0", "allowance": "744", "included_qty": "744"}'
        ELSE '{"exact_cents": "410", "by_model": [{"model": "large-2", "requests": "10", "exact_cents": "410"}]}' END
    FROM past_line ORDER BY period_start, tenant_id, line_no`);
  await client.query(`
    INSERT INTO invoice_lines (invoice_id, line_no, kind, description, qty, unit, amount_cents, meta)
    SELECT invoice_id, (SELECT max(line_no) + 1 FROM past_line l WHERE l.invoice_id = i.invoice_id),
      'tax', 'GST (10%)', 1, 'invoice', tax_cents, '{"rate": "0.10"}'
    FROM invoices i ORDER BY period_start, tenant_id`);
  await client.query(`
    INSERT INTO invoice_compositions (invoice_id, part, deployments)
    SELECT p.invoice_id, 1, jsonb_agg(jsonb_build_object('deploymentId', d.deployment_id, 'subscriptions',
      jsonb_build_array(jsonb_build_object('subscriptionId', 'sub-' || d.deployment_id,
        'planVersionId', 'studio-v1', 'proration', 'daily') || day.billed || jsonb_build_object('addons',
        jsonb_build_array(jsonb_build_object('code', 'storage_50gb', 'resourceKind', 'spaces_gb_month',
          'qty', '50', 'priceCents', 750, 'inForceAtEnd', true) || day.billed)))) ORDER BY d.deployment_id)
    FROM past p JOIN deployments d USING (tenant_id) CROSS JOIN LATERAL (
      SELECT jsonb_build_object('serviceFrom', p.period_start,
        'serviceTo', (p.period_start + interval '1 month' - interval '1 day')::date,
        'days', extract(day FROM p.period_start + interval '1 month' - interval '1 day')) AS billed
    ) day
    GROUP BY p.invoice_id, p.tenant_id, p.period_start ORDER BY p.period_start, p.tenant_id`);
  await client.query(`
    INSERT INTO invoice_digests (invoice_id, digest)
    SELECT invoice_id, sha256(uuid_send(invoice_id)) FROM past`);
  await client.query(`
    INSERT INTO tenant_outcomes (period_start, tenant_id, outcome, invoice_id, recorded_at)
    SELECT period_start, tenant_id, 'rolled', invoice_id, period_start + interval '1 month' FROM past
    ORDER BY period_start, tenant_id`);
}

async function insertBuckets(client: pg.ClientBase, eventsPerBucket: number): Promise<void> {
  await client.query(
    `INSERT INTO usage_buckets (source, tenant_id, deployment_id, resource_kind, service_month,
       model, event_count, total, sealed_for)
     SELECT source, tenant_id, deployment_id, coalesce(resource_kind, 'llm_usage'), period_start,
       CASE source WHEN 'llm' THEN 'large-2' ELSE '' END,
       $1::bigint, $1::bigint * $2::numeric, invoice_id
     FROM past_line WHERE source IS NOT NULL ORDER BY period_start, tenant_id, line_no`,
    [eventsPerBucket, AMOUNT],
  );
  await client.query(`
    INSERT INTO invoice_usage (invoice_id, bucket_id, line_no, disposition)
    SELECT l.invoice_id, b.bucket_id, l.line_no, 'billed'
    FROM usage_buckets b JOIN past_line l ON l.invoice_id = b.sealed_for
      AND l.deployment_id = b.deployment_id AND l.source = b.source
      AND coalesce(l.resource_kind, 'llm_usage') = b.resource_kind`);
  await client.query('DROP TABLE past_line');
}

/** Inserts the requested number of events of the last buckets. */
async function insertEvents(
  client: pg.ClientBase,
  eventsPerBucket: number,
  stored: number,
): Promise<void> {
  await client.query(
    `CREATE TEMP TABLE filled AS
     SELECT * FROM usage_buckets WHERE sealed_for IS NOT NULL
     ORDER BY service_month DESC, bucket_id LIMIT $1`,
    [Math.floor(stored / eventsPerBucket)],
  );
  const event = `'past/' || bucket_id || '/' || n AS id, tenant_id, deployment_id,
    service_month + (n % 28) * interval '1 day' AS occurred_at, service_month, bucket_id,
    decode(md5(bucket_id::text || n) || md5(n::text), 'hex') AS content_hash, resource_kind
    FROM filled, generate_series(1, $1::int) n`;
  await client.query(
    `INSERT INTO llm_usage_events (gateway_request_id, tenant_id, deployment_id, model, occurred_at,
       service_month, charge_cents, currency, content_hash, bucket_id)
     SELECT id, tenant_id, deployment_id, 'large-2', occurred_at, service_month, $2::numeric, 'AUD',
       content_hash, bucket_id
     FROM (SELECT ${event} WHERE source = 'llm') e`,
    [eventsPerBucket, AMOUNT],
  );
  await client.query(
    `INSERT INTO metered_usage_records (record_id, tenant_id, deployment_id, resource_kind,
       occurred_at, service_month, qty, added_qty, content_hash, bucket_id)
     SELECT id, tenant_id, deployment_id, resource_kind, occurred_at, service_month, $2::numeric,
       $2::numeric, content_hash, bucket_id
     FROM (SELECT ${event} WHERE source = 'metered') e`,
    [eventsPerBucket, AMOUNT],
  );
  await client.query('DROP TABLE filled');
}
