import pg from 'pg';

/**
 * Years of books, written by set-based SQL past every trigger: for plans, which depend on how much
 * there is, and not on what it says.
 */

const TENANT_COUNT = 200;
/** The closed months, and the next one to close. */
export const MONTHS = {
  first: '2020-05',
  archivedUntil: '2025-05',
  last: '2026-04',
  next: '2026-05',
};
const EVENTS_PER_BUCKET = 3;

const date = (month: string) => `date '${month}-01'`;

/** Tenants such as `t-7`, with deployments `t-7-a` to `t-7-c`. The catalogue must be there. */
export async function writeYears(superuserUrl: string): Promise<void> {
  const superuser = new pg.Client({ connectionString: superuserUrl });
  await superuser.connect();
  try {
    await superuser.query(STATEMENTS);
    // As docs/operations/data-lifecycle.md recommends: random reads cost little more than sequential ones.
    const { rows } = await superuser.query<{ name: string }>('SELECT current_database() AS name');
    await superuser.query(
      `ALTER DATABASE ${pg.escapeIdentifier(rows[0]?.name ?? '')} SET random_page_cost = 1.1`,
    );
    // The planner decides by what it knows; and index-only scans need a visibility map.
    await superuser.query('VACUUM (ANALYZE)');
  } finally {
    await superuser.end();
  }
}

const STATEMENTS = `
  SET session_replication_role = replica;
  CREATE TEMP TABLE tenant AS
    SELECT 't-' || n AS tenant_id FROM generate_series(1, ${TENANT_COUNT}) n;
  CREATE TEMP TABLE deployment AS
    SELECT tenant_id, tenant_id || '-' || name AS deployment_id, nth
    FROM tenant, unnest(ARRAY['a', 'b', 'c']) WITH ORDINALITY AS d (name, nth);
  CREATE TEMP TABLE month AS
    SELECT month::date, row_number() OVER (ORDER BY month) AS nth
    FROM generate_series(${date(MONTHS.first)}, ${date(MONTHS.next)}, interval '1 month') month;

  INSERT INTO tenants (tenant_id, name, currency, last_invoice_seq)
    SELECT tenant_id, tenant_id, 'AUD', (SELECT count(*) - 1 FROM month) FROM tenant;
  INSERT INTO deployments (deployment_id, tenant_id) SELECT deployment_id, tenant_id FROM deployment;
  INSERT INTO subscriptions (subscription_id, tenant_id, deployment_id, plan_version_id, starts_at)
    SELECT 'sub-' || deployment_id, tenant_id, deployment_id, 'studio-v1', '2020-01-01Z' FROM deployment;

  CREATE TEMP TABLE invoiced AS
    SELECT tenant_id, month, nth, gen_random_uuid() AS id
    FROM tenant, month WHERE month < ${date(MONTHS.next)};
  INSERT INTO invoice_drafts (draft_id, tenant_id, period_start, owner, owner_started_at, state, closed_at)
    SELECT id, tenant_id, month, 'run', month, 'issued', month FROM invoiced;
  INSERT INTO invoices (invoice_id, tenant_id, period_start, period_end, revision, tenant_seq, number,
      currency, subtotal_cents, plan_base_cents, overage_cents, llm_usage_cents, taxable_cents, tax_cents,
      total_cents, buyer_name, tax_treatment, tax_label, tax_rate,
      seller_registered, payment_days)
    SELECT id, tenant_id, month, month + interval '1 month' - interval '1 day', 1, nth,
      tenant_id || '-' || nth, 'AUD', 15030, 15000, 18, 12, 15030, 1503, 16533, tenant_id, 'gst', 'GST', 0.10, true, 14
    FROM invoiced;
  INSERT INTO releases (tenant_id, period_start, actor, reason)
    SELECT tenant_id, month, 'test', 'issued' FROM invoiced;
  INSERT INTO invoice_lines (invoice_id, line_no, deployment_id, subscription_id, kind, resource_kind,
      description, qty, unit, unit_price_cents, amount_cents, meta)
    SELECT i.id, 3 * (d.nth - 1) + line_no, d.deployment_id, NULL, kind,
      CASE kind WHEN 'overage' THEN 'droplet_hours' END, kind, 1, 'month', 1, amount,
      CASE kind WHEN 'plan_base' THEN '{"plan_version_id": "studio-v1", "version": 1}'::jsonb
        WHEN 'llm_usage' THEN '{"exact_cents": "3", "by_model": [{"model": "m", "requests": "1", "exact_cents": "3"}]}' ELSE '{"used": "3"}' END
    FROM invoiced i JOIN deployment d USING (tenant_id),
      (VALUES (1, 'plan_base', 5000), (2, 'overage', 6), (3, 'llm_usage', 4)) AS line (line_no, kind, amount)
    UNION ALL
    SELECT id, 10, NULL, NULL, 'tax', NULL, 'GST', 1, 'month', 1, 1503, '{}' FROM invoiced;
  INSERT INTO invoice_items (item_id, tenant_id, period_start, description, amount_cents, taxable, actor, applied_cents)
    SELECT 'item-' || id, tenant_id, month, 'Workshop', 100, true, 'x', 100 FROM invoiced;
  INSERT INTO invoice_compositions (invoice_id, part, deployments)
    SELECT i.id, 1, jsonb_agg(jsonb_build_object('deploymentId', d.deployment_id, 'subscriptions',
      jsonb_build_array(jsonb_build_object('subscriptionId', 'sub-' || d.deployment_id,
        'planVersionId', 'studio-v1', 'proration', 'daily', 'serviceFrom', i.month,
        'serviceTo', (i.month + interval '1 month' - interval '1 day')::date,
        'days', extract(day FROM i.month + interval '1 month' - interval '1 day'), 'addons', '[]'::jsonb)))
      ORDER BY d.deployment_id)
    FROM invoiced i JOIN deployment d USING (tenant_id) GROUP BY i.id, i.month;
  INSERT INTO invoice_digests SELECT id, sha256(id::text::bytea) FROM invoiced;
  INSERT INTO tenant_outcomes (period_start, tenant_id, outcome, invoice_id)
    SELECT month, tenant_id, 'rolled', id FROM invoiced;
  INSERT INTO month_end_requests (period_start, request_id, actor, kind, content_hash, state, started_at, finished_at)
    SELECT month, 'run', 'test', 'run', '', 'finished', month, month FROM month WHERE month < ${date(MONTHS.next)};

  INSERT INTO usage_buckets (source, tenant_id, deployment_id, resource_kind, service_month, model, event_count,
      total, sealed_for)
    SELECT source, d.tenant_id, d.deployment_id, kind, month, model, ${EVENTS_PER_BUCKET}, ${EVENTS_PER_BUCKET}, id
    FROM month JOIN deployment d ON true LEFT JOIN invoiced USING (tenant_id, month),
      (VALUES ('llm', 'llm_usage', 'm'), ('metered', 'droplet_hours', '')) AS s (source, kind, model)
    ORDER BY month, d.tenant_id;
  INSERT INTO invoice_usage (invoice_id, bucket_id, line_no, disposition)
    SELECT sealed_for, bucket_id,
      3 * (d.nth - 1) + CASE resource_kind WHEN 'llm_usage' THEN 3 ELSE 2 END, 'billed'
    FROM usage_buckets JOIN deployment d USING (deployment_id) WHERE sealed_for IS NOT NULL;

  INSERT INTO control_totals (tenant_id, deployment_id, day, revision, requests, charge_cents, actor)
    SELECT tenant_id, deployment_id, month + 1, 1, 2, 2, 'x' FROM month, deployment;

  INSERT INTO quarantined_events (source_id, content_hash, received_at, reason, detail, fields, tenant_id, deployment_id,
      occurred_at, charge_cents, currency, state, actor, decision_reason, decided_at)
    SELECT 'q-' || n || '-' || month || '-' || d.deployment_id, sha256(d.deployment_id::bytea), month, 'unknown_tenant', 'x', '{}',
      d.tenant_id, d.deployment_id, month + n * interval '1 day', 1, 'AUD',
      CASE WHEN is_held THEN 'held' ELSE 'released' END, CASE WHEN NOT is_held THEN 'sweep' END,
      CASE WHEN NOT is_held THEN 'x' END, CASE WHEN NOT is_held THEN month END
    FROM month JOIN deployment d ON true, generate_series(1, 2) n,
      LATERAL (SELECT n = 1 AND d.tenant_id = 't-7' AND month = ${date(MONTHS.last)} AS is_held) h;

  CREATE TEMP TABLE event AS
    SELECT b.*, gen_random_uuid()::text AS id, b.service_month + n * interval '1 day' AS occurred_at
    FROM usage_buckets b, generate_series(1, ${EVENTS_PER_BUCKET}) n ORDER BY b.service_month, n;
  SELECT ensure_archive_partition(archive, month)
    FROM month, unnest(ARRAY['llm_usage_archive', 'metered_usage_archive']) AS archive
    WHERE month < ${date(MONTHS.archivedUntil)};
  ${['llm_usage_events', 'llm_usage_archive']
    .map(
      (table) => `
    INSERT INTO ${table} (gateway_request_id, tenant_id, deployment_id, model, occurred_at, service_month,
        charge_cents, currency, content_hash, bucket_id, received_at)
      SELECT id, tenant_id, deployment_id, 'm', occurred_at, service_month, 1, 'AUD', sha256(id::bytea),
        bucket_id, occurred_at
      FROM event WHERE source = 'llm' AND ${isIn(table)};`,
    )
    .join('')}
  ${['metered_usage_records', 'metered_usage_archive']
    .map(
      (table) => `
    INSERT INTO ${table} (record_id, tenant_id, deployment_id, resource_kind, occurred_at, service_month,
        qty, added_qty, content_hash, bucket_id, received_at)
      SELECT id, tenant_id, deployment_id, resource_kind, occurred_at, service_month, 1, 1,
        sha256(id::bytea), bucket_id, occurred_at
      FROM event WHERE source = 'metered' AND ${isIn(table)};`,
    )
    .join('')}
  INSERT INTO archived_usage_ids (source, id, content_hash, bucket_id)
    SELECT source, id, sha256(id::bytea), bucket_id FROM event WHERE ${isIn('archive')};
  INSERT INTO usage_exclusions (source, event_id, tenant_id, bucket_id, amount, actor, reason)
    SELECT source, id, tenant_id, bucket_id, 1, 'x', 'x' FROM event WHERE random() < 0.01;
  DROP TABLE event, invoiced, month, deployment, tenant;
  SET session_replication_role = DEFAULT;
`;

function isIn(table: string): string {
  const comparison = table.includes('archive') ? '<' : '>=';
  return `service_month ${comparison} ${date(MONTHS.archivedUntil)}`;
}
