import type { FragmentSqlToken } from 'slonik';
import type { WebhookEventType } from '../../contracts/webhook-types.ts';
import type { Failure } from '../../contracts/failures.ts';
import type { Period } from '../../domain/period.ts';
import { sql, uuidArray } from '../sql.ts';

/**
 * Events for others are written by the statement that makes them true, or one that follows it in the
 * same transaction: what is rolled back is told to nobody. Where no live endpoint asks for a type, its
 * events are not even looked for (ADR 19).
 */

/**
 * Parts of a WITH that write events, each for the endpoints that ask for its type.
 * @param events SELECTs of `type`, `tenant_id` and `data`, as `eventsOf` makes them
 */
function telling(events: readonly FragmentSqlToken[]) {
  return sql.fragment`
    told AS (
      INSERT INTO webhook_events (type, tenant_id, data)
      ${sql.join(events, sql.fragment` UNION ALL `)}
      RETURNING event_id, type
    ), addressed AS (
      INSERT INTO webhook_deliveries (event_id, endpoint_id)
      SELECT told.event_id, e.endpoint_id
      FROM told JOIN webhook_endpoints e ON told.type = ANY(e.event_types)
      WHERE e.disabled_at IS NULL
    )`;
}

/**
 * The events of a type, or none where nobody asks for it, which is found out first.
 * @param from tables, and a WHERE with at least one condition
 */
function eventsOf(
  type: WebhookEventType,
  tenantId: FragmentSqlToken,
  data: FragmentSqlToken,
  from: FragmentSqlToken,
) {
  return sql.fragment`
    SELECT ${type}::text, ${tenantId}::text, ${data} ${from} AND EXISTS (
      SELECT FROM webhook_endpoints WHERE disabled_at IS NULL AND ${type}::text = ANY(event_types)
    )`;
}

/** What both kinds of invoice events say of theirs. */
function invoiceData(alias: 'i' | 'old') {
  const column = (name: string) => sql.identifier([alias, name]);
  return sql.fragment`
    'invoice_id', ${column('invoice_id')}, 'number', ${column('number')},
    'tenant_id', ${column('tenant_id')}, 'period_start', ${column('period_start')},
    'period_end', ${column('period_end')}, 'revision', ${column('revision')},
    'currency', ${column('currency')}, 'subtotal_cents', ${column('subtotal_cents')},
    'tax_cents', ${column('tax_cents')}, 'total_cents', ${column('total_cents')},
    'links', jsonb_build_object('invoice', '/api/v1/invoices/' || ${column('invoice_id')})`;
}

/** That invoices were issued, and that their predecessors were superseded. */
export function tellingInvoices(invoiceIds: readonly string[]) {
  const issued = sql.fragment`FROM invoices i WHERE i.invoice_id = ANY(${uuidArray(invoiceIds)})`;
  const superseded = sql.fragment`
    FROM invoices i JOIN invoices old ON old.invoice_id = i.replaces_invoice_id
    WHERE i.invoice_id = ANY(${uuidArray(invoiceIds)})`;
  return telling([
    eventsOf(
      'invoice.issued',
      sql.fragment`i.tenant_id`,
      sql.fragment`jsonb_build_object(${invoiceData('i')}, 'replaces_invoice_id', i.replaces_invoice_id)`,
      issued,
    ),
    eventsOf(
      'invoice.superseded',
      sql.fragment`old.tenant_id`,
      sql.fragment`jsonb_build_object(${invoiceData('old')}, 'superseded_by', i.invoice_id)`,
      superseded,
    ),
  ]);
}

/**
 * That a tenant is parked: not where it was parked for the same reason before, which is no news.
 * To stand before the outcome is written, in the same statement.
 */
export function tellingParked(period: Period, tenantId: string, { type, reason }: Failure) {
  return telling([
    eventsOf(
      'tenant.parked',
      sql.fragment`t.tenant_id`,
      sql.fragment`jsonb_build_object('tenant_id', t.tenant_id, 'month', ${period.month}::text,
        'reason_type', ${type}::text, 'reason', ${reason}::text,
        'links', jsonb_build_object('month_end', '/api/v1/roll-ups/' || ${period.month}))`,
      sql.fragment`FROM tenants t WHERE t.tenant_id = ${tenantId} AND NOT EXISTS (
        SELECT FROM tenant_outcomes o
        WHERE o.tenant_id = t.tenant_id AND o.period_start = ${period.periodStart}
          AND o.outcome = 'parked' AND o.reason_type = ${type} AND o.reason = ${reason}
      )`,
    ),
  ]);
}

/** How a run came out: due tenants by their latest outcome, and whether the books add up. */
export interface RunResult {
  readonly due: number;
  readonly rolled: number;
  readonly skipped: number;
  readonly unchanged: number;
  readonly parked: number;
  readonly balanced: boolean;
}

/**
 * The event that a run has ended.
 * @param finished a part of the same WITH that returns `request_id` of the requests that it has served; if it
 * returns none, the run has already ended
 */
export function tellingRunFinished(period: Period, result: RunResult, finished: FragmentSqlToken) {
  const { due, rolled, skipped, unchanged, parked, balanced } = result;
  const tenants = { due, rolled, skipped, unchanged, parked };
  return telling([
    eventsOf(
      'run.finished',
      sql.fragment`NULL`,
      sql.fragment`jsonb_build_object('month', ${period.month}::text, 'balanced', ${balanced}::boolean,
        'tenants', ${JSON.stringify(tenants)}::jsonb,
        'request_ids', (SELECT jsonb_agg(request_id ORDER BY request_id) FROM (
          SELECT request_id FROM ${finished} ORDER BY request_id LIMIT ${SHOWN_REQUESTS}) shown),
        'requests', (SELECT count(*) FROM ${finished}),
        'links', jsonb_build_object('month_end', '/api/v1/roll-ups/' || ${period.month}))`,
      sql.fragment`WHERE EXISTS (SELECT FROM ${finished})`,
    ),
  ]);
}

/** Request ids that an event names; the rest are counted. */
const SHOWN_REQUESTS = 10;
