import type pg from 'pg';
import { DEFAULT_TREATMENT, invoiceTotals, taxLine } from '../../src/domain/invoice-totals.ts';
import { llmUsageLine } from '../../src/domain/llm-lines.ts';
import { computeMonthStarts, createBillingCalendar } from '../../src/domain/billing-calendar.ts';
import { quote } from '../../src/domain/quote.ts';
import type { PlanVersion, QuoteAddon, QuoteLine } from '../../src/domain/types.ts';
import { MONTH } from './population.ts';

const PERIOD = createBillingCalendar('UTC', computeMonthStarts('UTC')).periodOf(MONTH);

interface Subscription {
  readonly subscriptionId: string;
  readonly deploymentId: string;
  readonly planVersionId: string;
}

interface Bucket {
  readonly bucketId: string;
  readonly source: 'llm' | 'metered';
  readonly kind: string;
  readonly model: string;
  readonly events: string;
  readonly total: string;
}

/** Creates the table in which the loop collects lines until the invoice is complete. */
export async function prepareLoop(superuser: pg.ClientBase): Promise<void> {
  await superuser.query(`
    CREATE TABLE loop_lines (deployment_id text, section int, position int, subscription_id text,
      kind text, resource_kind text, description text, qty numeric, unit text,
      unit_price_cents numeric, amount_cents bigint, meta jsonb,
      PRIMARY KEY (deployment_id, section, position));
    GRANT SELECT, INSERT ON loop_lines TO arcadia_worker`);
}

/**
 * What `invoiceTenant` does, as a plain loop over the subscriptions: the same prices and tables,
 * one query per read and per written row, in one transaction. (Only the invoice's lines are
 * inserted in one statement, because a trigger requires it.)
 */
export async function invoiceInALoop(client: pg.ClientBase, tenantId: string): Promise<void> {
  await client.query('BEGIN');
  const currency = await one<string>(
    client,
    'SELECT currency AS value FROM tenants WHERE tenant_id = $1 FOR NO KEY UPDATE',
    [tenantId],
  );
  const draftId = await one<string>(
    client,
    `INSERT INTO invoice_drafts (tenant_id, period_start, owner, owner_started_at)
     VALUES ($1, $2, 'loop', now()) RETURNING draft_id AS value`,
    [tenantId, PERIOD.periodStart],
  );
  const { rows: ids } = await client.query<{ id: string }>(
    `SELECT subscription_id AS id FROM subscriptions
     WHERE tenant_id = $1 AND starts_at < $2 AND (ends_at IS NULL OR ends_at >= $2)
     ORDER BY deployment_id`,
    [tenantId, PERIOD.endsAt],
  );
  const amounts: number[] = [];
  const held: { readonly deploymentId: string; readonly bucket: Bucket }[] = [];
  for (const { id } of ids) {
    const subscription = await readSubscription(client, id);
    const buckets = await sealBuckets(client, draftId, subscription.deploymentId);
    const lines = await linesOf(client, subscription, buckets);
    for (const line of lines) await insertDraftLine(client, subscription, line);
    amounts.push(...lines.map(({ amountCents }) => amountCents));
    held.push(...buckets.map((bucket) => ({ deploymentId: subscription.deploymentId, bucket })));
  }
  await issue(client, { tenantId, draftId, currency, amounts });
  for (const { deploymentId, bucket } of held)
    await tieBucket(client, draftId, deploymentId, bucket);
  await client.query('INSERT INTO invoice_digests VALUES ($1, invoice_digest($1))', [draftId]);
  await client.query(
    `UPDATE invoice_drafts SET state = 'issued', closed_at = now() WHERE draft_id = $1`,
    [draftId],
  );
  await client.query(
    `INSERT INTO tenant_outcomes (period_start, tenant_id, outcome, invoice_id)
     VALUES ($1, $2, 'rolled', $3)`,
    [PERIOD.periodStart, tenantId, draftId],
  );
  await client.query('COMMIT');
}

async function one<T>(client: pg.ClientBase, text: string, values: readonly unknown[]): Promise<T> {
  const { rows } = await client.query<{ value: T }>(text, [...values]);
  const [row] = rows;
  if (!row) throw new Error(`nothing found: ${text}`);
  return row.value;
}

async function readSubscription(client: pg.ClientBase, id: string): Promise<Subscription> {
  return one<Subscription>(
    client,
    `SELECT jsonb_build_object('subscriptionId', subscription_id, 'deploymentId', deployment_id,
       'planVersionId', plan_version_id) AS value
     FROM subscriptions WHERE subscription_id = $1`,
    [id],
  );
}

async function sealBuckets(
  client: pg.ClientBase,
  draftId: string,
  deploymentId: string,
): Promise<readonly Bucket[]> {
  const { rows } = await client.query<Bucket>(
    `SELECT bucket_id::text AS "bucketId", source, resource_kind AS kind, model,
       event_count::text AS events, total::text AS total
     FROM usage_buckets
     WHERE deployment_id = $1 AND service_month = $2 AND sealed_for IS NULL
     ORDER BY source, resource_kind FOR UPDATE`,
    [deploymentId, PERIOD.periodStart],
  );
  for (const { bucketId } of rows) {
    await client.query('UPDATE usage_buckets SET sealed_for = $1 WHERE bucket_id = $2', [
      draftId,
      bucketId,
    ]);
  }
  return rows;
}

interface PlacedLine extends QuoteLine {
  readonly section: 1 | 2;
  readonly position: number;
}

async function linesOf(
  client: pg.ClientBase,
  subscription: Subscription,
  buckets: readonly Bucket[],
): Promise<readonly PlacedLine[]> {
  const addons = await readAddons(client, subscription.subscriptionId);
  const planVersion = await readPlanVersion(client, subscription.planVersionId);
  const usage = Object.fromEntries(
    buckets.flatMap(({ source, kind, total }) => (source === 'llm' ? [] : [[kind, total]])),
  );
  // Its subscriptions are in force all month.
  const { recurring, overage } = quote(planVersion, addons, { usage });
  const quoted = [...recurring.lines, ...overage.lines];
  const llm = buckets
    .filter(({ source }) => source === 'llm')
    .map(({ model, events, total }) =>
      llmUsageLine({
        deploymentId: subscription.deploymentId,
        requestCount: events,
        exactCents: total,
        // The population has one model.
        byModel: [{ model, requestCount: events, exactCents: total }],
        serviceMonth: PERIOD.month,
        invoiceMonth: PERIOD.month,
      }),
    );
  return [
    ...quoted.map((line, index) => ({ ...line, section: 1 as const, position: index + 1 })),
    ...llm.map((line, index) => ({ ...line, section: 2 as const, position: index + 1 })),
  ];
}

async function readAddons(
  client: pg.ClientBase,
  subscriptionId: string,
): Promise<readonly QuoteAddon[]> {
  const { rows } = await client.query<{ addon: QuoteAddon }>(
    `SELECT jsonb_build_object('code', addon_code, 'resourceKind', resource_kind,
       'qty', qty::text, 'priceCents', price_cents) AS addon
     FROM subscription_addons
     WHERE subscription_id = $1 AND starts_at < $2 AND (ends_at IS NULL OR ends_at >= $2)
     ORDER BY position`,
    [subscriptionId, PERIOD.endsAt],
  );
  return rows.map(({ addon }) => addon);
}

async function readPlanVersion(client: pg.ClientBase, id: string): Promise<PlanVersion> {
  return one<PlanVersion>(
    client,
    `SELECT jsonb_build_object('id', plan_version_id, 'version', version, 'currency', currency,
       'basePriceCents', base_price_cents, 'proration', proration, 'items', (
         SELECT jsonb_agg(jsonb_build_object('resourceKind', resource_kind,
           'includedQty', included_qty::text, 'hardCapQty', hard_cap_qty::text,
           'overagePriceCents', overage_price_cents::text, 'overageUnit', overage_unit,
           'definedUnit', NULL)
           ORDER BY position)
         FROM plan_items i WHERE i.plan_version_id = v.plan_version_id)) AS value
     FROM plan_versions v WHERE plan_version_id = $1`,
    [id],
  );
}

async function insertDraftLine(
  client: pg.ClientBase,
  { deploymentId, subscriptionId }: Subscription,
  line: PlacedLine,
): Promise<void> {
  await client.query(
    `INSERT INTO loop_lines (deployment_id, section, position, subscription_id,
       kind, resource_kind, description, qty, unit, unit_price_cents, amount_cents, meta)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      deploymentId,
      line.section,
      line.position,
      line.section === 1 ? subscriptionId : null,
      line.kind,
      line.resourceKind,
      line.description,
      line.qty,
      line.unit,
      line.unitPriceCents,
      line.amountCents,
      JSON.stringify(line.meta),
    ],
  );
}

async function issue(
  client: pg.ClientBase,
  {
    tenantId,
    draftId,
    currency,
    amounts,
  }: {
    readonly tenantId: string;
    readonly draftId: string;
    readonly currency: string;
    readonly amounts: readonly number[];
  },
): Promise<void> {
  const totals = invoiceTotals(amounts, DEFAULT_TREATMENT);
  const tax = taxLine(totals.taxCents, DEFAULT_TREATMENT);
  const seq = await one<string>(
    client,
    `UPDATE tenants SET last_invoice_seq = last_invoice_seq + 1 WHERE tenant_id = $1
     RETURNING last_invoice_seq AS value`,
    [tenantId],
  );
  await client.query(
    `INSERT INTO invoices (invoice_id, tenant_id, period_start, period_end, revision, tenant_seq,
       number, currency, subtotal_cents, taxable_cents, tax_cents, total_cents, buyer_name, tax_treatment,
       tax_label, tax_rate, seller_registered, payment_days, plan_base_cents, addon_cents, overage_cents,
       llm_usage_cents)
     SELECT $1, $2::text, $3, $4, 1, $5, $6, $7, $8, $8, $9, $10, $2::text, 'gst', 'GST', 0.10, true, 14,
       coalesce(sum(amount_cents) FILTER (WHERE kind = 'plan_base'), 0),
       coalesce(sum(amount_cents) FILTER (WHERE kind = 'addon'), 0),
       coalesce(sum(amount_cents) FILTER (WHERE kind = 'overage'), 0),
       coalesce(sum(amount_cents) FILTER (WHERE kind = 'llm_usage'), 0)
     FROM loop_lines`,
    [
      ...[draftId, tenantId, PERIOD.periodStart, PERIOD.periodEnd, seq],
      ...[`${tenantId}-${seq.padStart(6, '0')}`, currency],
      ...[totals.subtotalCents, totals.taxCents, totals.totalCents],
    ],
  );
  await client.query(
    `INSERT INTO invoice_lines (invoice_id, line_no, deployment_id, subscription_id, kind,
       resource_kind, description, qty, unit, unit_price_cents, amount_cents, meta)
     SELECT $1::uuid, row_number() OVER (ORDER BY deployment_id, section, position), deployment_id,
       subscription_id, kind, resource_kind, description, qty, unit, unit_price_cents, amount_cents,
       meta
     FROM loop_lines
     UNION ALL
     SELECT $1::uuid, $2::int, NULL, NULL, kind, NULL, description, qty, unit, NULL, "amountCents", meta
     FROM jsonb_to_recordset($3::jsonb) AS t (kind text, description text, qty numeric, unit text,
       "amountCents" bigint, meta jsonb)`,
    [draftId, amounts.length + 1, JSON.stringify(tax ? [tax] : [])],
  );
}

async function tieBucket(
  client: pg.ClientBase,
  invoiceId: string,
  deploymentId: string,
  { bucketId, source, kind }: Bucket,
): Promise<void> {
  await client.query(
    `INSERT INTO invoice_usage (invoice_id, bucket_id, line_no, disposition)
     SELECT $1, $2, line_no, 'billed' FROM invoice_lines
     WHERE invoice_id = $1 AND deployment_id = $3
       AND CASE WHEN $4 = 'llm' THEN kind = 'llm_usage'
         ELSE kind = 'overage' AND resource_kind = $5 END`,
    [invoiceId, bucketId, deploymentId, source, kind],
  );
}
