import type pg from 'pg';
import { Decimal, sumDecimals, toDecimalString } from '../../src/domain/decimal.ts';
import type { IssuedWatch } from './issued-digest.ts';
import { moneyViolations, type Handled } from './money-checks.ts';
import type { AcknowledgedRequest } from './operator.ts';
import type { Tenant, TenantKind } from './population.ts';
import { eventKey } from './senders.ts';
import { findWrong, standingViolations, type Violation } from './standing-checks.ts';
import type { SentEvent } from './usage-batches.ts';

/** What everybody outside remembers of a run. */
export interface Remembered {
  readonly acknowledged: ReadonlyMap<string, SentEvent>;
  readonly requests: readonly AcknowledgedRequest[];
  readonly tenants: readonly Tenant[];
  /** The months that were asked for. */
  readonly months: readonly string[];
  readonly issued: IssuedWatch;
  /** What the finance team remembers. */
  readonly handled: Handled;
}

/** All invariants, when everything has come to rest. @returns what is wrong */
export async function violationsAtRest(
  client: pg.ClientBase,
  remembered: Remembered,
): Promise<readonly Violation[]> {
  const changed = await remembered.issued.look(client);
  return [
    ...(await standingViolations(client)),
    ...(await lostOrInvented(client, remembered.acknowledged)),
    ...(await missingFromTheBooks(client, remembered.acknowledged)),
    ...(await withoutReason(client, remembered.months)),
    ...changed,
    ...(await notServed(client, remembered)),
    ...(await lostRequests(client, remembered)),
    ...(await notRebuilt(client, remembered)),
    ...(await moneyViolations(client, remembered)),
  ];
}

const SHOWN = 3;

function summary(what: string, found: readonly string[]): string {
  return `${what}: ${found.length} (${found.slice(0, SHOWN).join(', ')})`;
}

/** The events that are stored against those that were acknowledged, one by one. */
async function lostOrInvented(
  client: pg.ClientBase,
  acknowledged: Remembered['acknowledged'],
): Promise<readonly Violation[]> {
  const { rows } = await client.query<{ source: 'llm' | 'metered'; id: string; adds: string }>(`
    SELECT 'llm' AS source, gateway_request_id AS id, trim_scale(charge_cents)::text AS adds
    FROM llm_usage_events
    UNION ALL
    SELECT 'metered', record_id, trim_scale(added_qty)::text FROM metered_usage_records`);
  const stored = new Map(rows.map((row) => [eventKey(row), row.adds]));
  const lost = [...acknowledged.keys()].filter((key) => !stored.has(key));
  const invented = [...stored.keys()].filter((key) => !acknowledged.has(key));
  const altered = [...acknowledged]
    .filter(([key, { adds }]) => {
      const found = stored.get(key);
      return found !== undefined && found !== toDecimalString(new Decimal(adds));
    })
    .map(([key]) => key);
  const found: [string, readonly string[]][] = [
    ['events that were acknowledged and are not there', lost],
    ['events that are there and were never acknowledged', invented],
    ['events that are there with another amount', altered],
  ];
  return found
    .filter(([, keys]) => keys.length > 0)
    .map(([what, keys]) => ({ invariant: 'I2', text: summary(what, keys) }));
}

/**
 * What is on live invoices and what is pending, against what the senders remember: the same sum,
 * exactly, for each tenant. The buckets' sums are what is billed; here they are not trusted.
 */
async function missingFromTheBooks(
  client: pg.ClientBase,
  acknowledged: Remembered['acknowledged'],
): Promise<readonly Violation[]> {
  // Of an invoice and its notes, the last line says what is charged by now.
  const { rows } = await client.query<{ tenant_id: string; total: string }>(`
    SELECT tenant_id, trim_scale(sum(total))::text AS total FROM (
      (SELECT DISTINCT ON (i.tenant_id, i.period_start, l.deployment_id, l.description) i.tenant_id,
        (l.meta ->> 'exact_cents')::numeric AS total
      FROM invoice_lines l JOIN invoices i USING (invoice_id)
      WHERE l.kind = 'llm_usage' AND i.superseded_by IS NULL
      ORDER BY i.tenant_id, i.period_start, l.deployment_id, l.description, i.kind, i.revision DESC)
      UNION ALL
      SELECT b.tenant_id, e.charge_cents
      FROM llm_usage_events e JOIN usage_buckets b USING (bucket_id)
      LEFT JOIN invoices i ON i.invoice_id = b.sealed_for
      WHERE i.invoice_id IS NULL
    ) placed GROUP BY tenant_id`);
  const placed = new Map(rows.map(({ tenant_id, total }) => [tenant_id, total]));
  const llm = [...acknowledged.values()].filter(({ source }) => source === 'llm');
  const wrong = [...Map.groupBy(llm, ({ tenantId }) => tenantId)].flatMap(([tenantId, events]) => {
    const sent = toDecimalString(sumDecimals(events.map(({ adds }) => new Decimal(adds))));
    const found = placed.get(tenantId) ?? '0';
    return sent === found ? [] : [`${tenantId}: sent ${sent}, found ${found}`];
  });
  if (wrong.length === 0) return [];
  return [{ invariant: 'I2', text: summary('tenants whose LLM usage has another sum', wrong) }];
}

/** Finds open drafts, and usage without an invoice although its tenant could be invoiced. */
async function withoutReason(
  client: pg.ClientBase,
  months: readonly string[],
): Promise<readonly Violation[]> {
  const openDrafts = await findWrong(
    client,
    `SELECT draft_id::text AS who FROM invoice_drafts
     WHERE state = 'open' AND to_char(period_start, 'YYYY-MM') = ANY ($1)`,
    [months],
  );
  // Not yet invoiced is a reason only where the month wasn't asked for, or the tenant is parked.
  const unexplained = await findWrong(
    client,
    `SELECT b.bucket_id::text AS who FROM usage_buckets b
     LEFT JOIN invoices holder ON holder.invoice_id = b.sealed_for
     LEFT JOIN invoices live ON (live.tenant_id, live.period_start) = (b.tenant_id, b.service_month)
       AND live.kind = 'invoice' AND live.superseded_by IS NULL
     LEFT JOIN tenant_outcomes o
       ON (o.tenant_id, o.period_start) = (b.tenant_id, b.service_month) AND o.outcome = 'parked'
     WHERE b.event_count > 0 AND holder.invoice_id IS NULL AND live.invoice_id IS NULL
       AND o.tenant_id IS NULL AND to_char(b.service_month, 'YYYY-MM') = ANY ($1)
       AND EXISTS (
         SELECT FROM subscriptions s WHERE s.tenant_id = b.tenant_id
           AND s.starts_at < b.service_month + interval '1 month'
           AND (s.ends_at IS NULL OR s.ends_at > b.service_month))`,
    [months],
  );
  const found = [
    ['drafts that are open though nobody builds them', openDrafts],
    ['buckets that no invoice took, of tenants that could be invoiced', unexplained],
  ] as const;
  return found.flatMap(([what, text]) =>
    text === null ? [] : [{ invariant: 'I2' as const, text: `${what}: ${text}` }],
  );
}

/** The failure type with which a tenant that can't be invoiced is parked; null: only LLM usage makes it due. */
const PARKED_AS: Readonly<Record<Exclude<TenantKind, 'sound'>, string | null>> = {
  'no plan version': 'missing_plan_version',
  'mixed currencies': 'mixed_currencies',
  left: null,
};

/** Each tenant against what it is known to be like. */
async function notServed(
  client: pg.ClientBase,
  { tenants, months }: Remembered,
): Promise<readonly Violation[]> {
  const { rows } = await client.query<{
    tenant_id: string;
    month: string;
    invoices: string;
    parked_as: string | null;
    reason: string | null;
  }>(
    `SELECT t.tenant_id, month, o.reason_type AS parked_as, o.reason, (
       SELECT count(*) FROM invoices i WHERE i.tenant_id = t.tenant_id
         AND to_char(i.period_start, 'YYYY-MM') = month
         AND i.kind = 'invoice' AND i.superseded_by IS NULL) AS invoices
     FROM tenants t CROSS JOIN unnest($1::text[]) month
     LEFT JOIN tenant_outcomes o ON o.tenant_id = t.tenant_id
       AND to_char(o.period_start, 'YYYY-MM') = month AND o.outcome = 'parked'`,
    [months],
  );
  const kinds = new Map(tenants.map(({ tenantId, kind }) => [tenantId, kind]));
  const wrong = rows.flatMap(({ tenant_id, month, invoices, parked_as, reason }) => {
    const kind = kinds.get(tenant_id) ?? 'sound';
    const expected = kind === 'sound' ? null : PARKED_AS[kind];
    const isRight =
      (kind === 'left' || invoices === (kind === 'sound' ? '1' : '0')) &&
      parked_as === expected &&
      (expected === null) === (reason === null);
    const found = parked_as === null ? `${invoices} invoices` : `parked: ${parked_as}, ${reason}`;
    return isRight ? [] : [`${tenant_id} (${kind}) ${month} has ${found}`];
  });
  if (wrong.length === 0) return [];
  return [{ invariant: 'I5', text: summary('tenants that are not as they should be', wrong) }];
}

/** A request that Temporal has acknowledged is served, and each tenant that it names. */
async function lostRequests(
  client: pg.ClientBase,
  { requests }: Remembered,
): Promise<readonly Violation[]> {
  const { rows } = await client.query<{ key: string; state: string; waiting: string }>(`
    SELECT concat_ws(' ', to_char(r.period_start, 'YYYY-MM'), r.request_id) AS key, r.state,
      count(f.tenant_id) FILTER (WHERE f.outcome IS NULL) AS waiting
    FROM month_end_requests r LEFT JOIN month_end_request_tenants f USING (request_seq)
    GROUP BY r.request_seq`);
  const found = new Map(rows.map((row) => [row.key, row]));
  const wrong = requests.flatMap(({ month, requestId }) => {
    const row = found.get(`${month} ${requestId}`);
    if (row === undefined) return [`${requestId} is not there`];
    return row.state === 'finished' && row.waiting === '0'
      ? []
      : [`${requestId} is ${row.state}, ${row.waiting} tenants wait`];
  });
  if (wrong.length === 0) return [];
  return [{ invariant: 'I5', text: summary('requests that were not served', wrong) }];
}

/**
 * A fault of the machinery is no reason to refuse or park a tenant that an operator names. A request is refused only if
 * the invoice was voided while its draft was open.
 */
async function notRebuilt(
  client: pg.ClientBase,
  { tenants }: Remembered,
): Promise<readonly Violation[]> {
  const sound = tenants.filter(({ kind }) => kind === 'sound').map(({ tenantId }) => tenantId);
  const found = await findWrong(
    client,
    `SELECT concat_ws(' ', f.tenant_id, outcome, f.reason) AS who
     FROM month_end_request_tenants f JOIN month_end_requests r USING (request_seq)
     WHERE f.tenant_id = ANY ($1) AND outcome NOT IN ('rolled', 'adjusted')
       AND NOT (outcome = 'unchanged' AND (r.only_if_changed OR EXISTS (
         SELECT FROM invoice_balances b WHERE b.is_settled
           AND (b.tenant_id, b.period_start) = (f.tenant_id, r.period_start))))
       AND NOT (outcome = 'refused' AND EXISTS (
         SELECT FROM invoices i WHERE i.status = 'void'
           AND (i.tenant_id, i.period_start) = (f.tenant_id, r.period_start)))`,
    [sound],
  );
  if (found === null) return [];
  return [{ invariant: 'I5', text: `forced tenants that were not rebuilt: ${found}` }];
}
