import type { FragmentSqlToken } from 'slonik';
import type { WebhookEventType } from '../../contracts/webhook-types.ts';
import { sql } from '../sql.ts';
import { taxViewOf } from '../tax/invoice-tax.ts';

/** What events are made of: the statements that write them, and the fields that they share. */

/**
 * Returns parts of a WITH that write events, with a delivery for each live endpoint that subscribes to their
 * type.
 * @param events SELECTs of `type`, `tenant_id` and `data`, built by `eventsOf`
 */
export function telling(events: readonly FragmentSqlToken[]) {
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
 * Selects the events of a type. First checks that a live endpoint subscribes to it; otherwise selects none.
 * @param from tables, and a WHERE with at least one condition
 */
export function eventsOf(
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

/** The fields that events of documents share, as arguments of `jsonb_build_object`. */
export function documentData(alias: 'i' | 'old') {
  const column = (name: string) => sql.identifier([alias, name]);
  return sql.fragment`
    'number', ${column('number')},
    'tenant_id', ${column('tenant_id')}, 'period_start', ${column('period_start')},
    'period_end', ${column('period_end')}, 'revision', ${column('revision')},
    'currency', ${column('currency')}, 'subtotal_cents', ${column('subtotal_cents')},
    'taxable_cents', ${column('taxable_cents')},
    'tax_cents', ${column('tax_cents')}, 'total_cents', ${column('total_cents')},
    'tax', ${taxViewOf(alias)}`;
}

/** The same of an invoice. */
export function invoiceData(alias: 'i' | 'old') {
  const id = sql.identifier([alias, 'invoice_id']);
  return sql.fragment`
    'invoice_id', ${id}, ${documentData(alias)},
    'links', jsonb_build_object('invoice', '/api/v1/invoices/' || ${id})`;
}
