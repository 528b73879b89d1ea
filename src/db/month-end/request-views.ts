import { z } from 'zod';
import { monthStart, type Month } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { sql } from '../sql.ts';

/** The displayed facts about a request for a month. */
export const requestFacts = z.object({
  request_id: z.string(),
  kind: z.enum(['run', 'force']),
  state: z.enum(['queued', 'running', 'finished']),
  actor: z.string().nullable(),
  reason: z.string().nullable(),
  requested_at: z.string(),
  finished_at: z.string().nullable(),
  balanced: z
    .boolean()
    .nullable()
    .describe('Whether the books balanced when it finished; null until then.'),
});

/** The columns of `requestFacts`, from `month_end_requests r`. */
export const REQUEST_FACTS = sql.fragment`
  r.request_id, r.kind, r.state, r.actor, r.reason, r.requested_at, r.finished_at,
  (r.manifest ->> 'balanced')::boolean AS balanced`;

/** Reads a request for a month, for the operator pages and the CLI. */

const requestView = requestFacts.extend({
  /** The first of the tenants that it names. */
  tenants: z.array(
    z.object({
      tenant_id: z.string(),
      /** Null: not served yet. */
      outcome: z
        .enum(['rolled', 'adjusted', 'unchanged', 'nothing_to_bill', 'refused', 'parked'])
        .nullable(),
      reason: z.string().nullable(),
      invoice_id: z.string().nullable(),
      number: z.string().nullable(),
      revision: z.int().nullable(),
      currency: z.string().nullable(),
      total_cents: z.int().nullable(),
    }),
  ),
});
/** A tenant that a request names, with its outcome. */
export type NamedTenant = RequestView['tenants'][number];
/** A request, with the outcome of each tenant that it names. */
export type RequestView = z.infer<typeof requestView>;

/**
 * Returns a request, with the outcomes of tenants that it names.
 * @param tenants the maximum number of tenants
 * @returns null if the month's workflow has not stored the request yet
 * @throws DomainError `invalid_month`
 */
export function showRequest(
  db: Queryable,
  month: Month,
  requestId: string,
  tenants = 100,
): Promise<RequestView | null> {
  return db.maybeOne(sql.type(requestView)`
    SELECT ${REQUEST_FACTS},
      coalesce((
        SELECT jsonb_agg(jsonb_build_object('tenant_id', f.tenant_id, 'outcome', f.outcome,
          'reason', f.reason, 'invoice_id', f.invoice_id, 'number', f.number,
          'revision', f.revision, 'currency', f.currency, 'total_cents', f.total_cents)
          ORDER BY f.tenant_id)
        FROM (
          SELECT n.tenant_id, n.outcome, n.reason, n.invoice_id, i.number, i.revision, i.currency,
            i.total_cents
          FROM month_end_request_tenants n LEFT JOIN invoices i USING (invoice_id)
          WHERE n.request_seq = r.request_seq ORDER BY n.tenant_id LIMIT ${tenants}
        ) f
      ), '[]') AS tenants
    FROM month_end_requests r
    WHERE r.period_start = ${monthStart(month)} AND r.request_id = ${requestId}
  `);
}

/**
 * Returns whether the tenant has what was requested: a new revision or note, the old one if nothing would change, or no
 * invoice if there is nothing to bill.
 */
export function isServed({ outcome }: NamedTenant): boolean {
  return outcome !== null && outcome !== 'refused' && outcome !== 'parked';
}
