import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import { listParked } from '../month-end/month-end-status.ts';
import { countWaiting } from '../month-end/review-facts.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { dueOn, isReleased } from '../release-facts.ts';
import { sql, textArray } from '../sql.ts';
import { lockTenants } from '../transactions.ts';
import { tellingReleased } from '../webhooks/webhook-outbox.ts';
import { stands, standsUnvoided } from '../standing.ts';

/** Whose periods to release: of these tenants, or of all whose invoice waits. */
export type ReleaseScope = { readonly tenantIds: readonly string[] } | { readonly all: true };

export type ReleaseRequest = ReleaseScope & {
  readonly actor: string;
  readonly reason: string;
  /** Requests of a month with the same id count once, also those that released nothing. */
  readonly requestId: string;
};

export const releasedInvoiceSchema = z.object({
  tenant_id: z.string(),
  invoice_id: z.uuid(),
  number: z.string(),
  currency: z.string(),
  total_cents: z.int(),
  due_on: z.iso.date(),
});
export type ReleasedInvoice = z.infer<typeof releasedInvoiceSchema>;

const unreleased = z.object({ tenant_id: z.string(), reason: z.string() });

/** The result of a request to release, also of a repeated one. Lists are ordered by tenant. */
export interface ReleaseResult {
  /** The live invoices of the periods that this request released. */
  readonly released: readonly ReleasedInvoice[];
  /** Tenants named by the request whose period had been released before. */
  readonly alreadyReleased: readonly string[];
  /**
   * Tenants without an invoice to release, and of a repeated request those whose invoice still waits: those that the
   * request names; otherwise the parked ones, at most 100.
   */
  readonly notReleased: readonly z.infer<typeof unreleased>[];
  /** The number of the month's invoices that still wait. */
  readonly waiting: number;
}

/**
 * Releases periods to their tenants and writes the webhook events that waited for it (docs/spec.md#release). A period
 * can be released if its live invoice isn't void. Releasing again changes nothing, and a request releases once: repeated,
 * it only reports, so that what was issued since still waits, also of tenants that it names.
 *
 * Takes the locks of the tenants, as everything that issues their invoices does. So a concurrent rerun either commits
 * first, and its revision is the one that is announced, or it finds the period released and writes its own events.
 */
export async function releaseInvoices(
  tx: Transaction,
  period: Period,
  request: ReleaseRequest,
): Promise<ReleaseResult> {
  const named = 'tenantIds' in request ? request.tenantIds : null;
  // First, so that a concurrent request with the same id waits, and then reports.
  const isNew = await remember(tx, period, request.requestId);
  const asked = named ?? (await listWaitingTenants(tx, period));
  await lockTenants(tx, asked);
  if (isNew) await release(tx, period, asked, request);
  const released = await listReleased(tx, period, request.requestId);
  const others = named === null ? null : await explainOthers(tx, period, named, request.requestId);
  return {
    released,
    alreadyReleased: (others ?? []).flatMap((one) => (one.reason === null ? one.tenant_id : [])),
    notReleased:
      others === null
        ? await listParkedTenants(tx, period)
        : others.flatMap(({ tenant_id, reason }) => (reason === null ? [] : { tenant_id, reason })),
    waiting: await countWaiting(tx, period),
  };
}

/** @returns whether the month's request is new */
async function remember(
  tx: Transaction,
  { periodStart }: Period,
  requestId: string,
): Promise<boolean> {
  const { rowCount } = await tx.query(sql.typeAlias('nothing')`
    INSERT INTO release_requests (period_start, request_id) VALUES (${periodStart}, ${requestId})
    ON CONFLICT DO NOTHING
  `);
  return rowCount === 1;
}

/** Returns whether the month's request was served before. */
export function isServed(
  db: Queryable,
  { periodStart }: Pick<Period, 'periodStart'>,
  requestId: string,
): Promise<boolean> {
  return db.exists(sql.typeAlias('nothing')`
    SELECT FROM release_requests WHERE period_start = ${periodStart} AND request_id = ${requestId}
  `);
}

function listWaitingTenants(tx: Transaction, { periodStart }: Period): Promise<readonly string[]> {
  return tx.anyFirst(sql.type(z.object({ tenant_id: z.string() }))`
    SELECT i.tenant_id FROM invoices i
    WHERE i.period_start = ${periodStart} AND ${CAN_BE_RELEASED} AND NOT ${isReleased('i')}
  `);
}

/** A live invoice that isn't void. */
const CAN_BE_RELEASED = standsUnvoided('i');

async function release(
  tx: Transaction,
  { periodStart }: Period,
  tenantIds: readonly string[],
  { actor, reason, requestId }: ReleaseRequest,
): Promise<void> {
  const documentIds = await tx.anyFirst(sql.type(z.object({ invoice_id: z.string() }))`
    WITH released AS (
      INSERT INTO releases (tenant_id, period_start, actor, reason, request_id)
      SELECT i.tenant_id, i.period_start, ${actor}, ${reason}, ${requestId}
      FROM invoices i
      WHERE i.period_start = ${periodStart} AND i.tenant_id = ANY(${textArray(tenantIds)})
        AND ${CAN_BE_RELEASED} AND NOT ${isReleased('i')}
      RETURNING tenant_id
    )
    SELECT i.invoice_id FROM invoices i JOIN released USING (tenant_id)
    WHERE i.period_start = ${periodStart} AND (${CAN_BE_RELEASED} OR i.kind = 'adjustment_note')
  `);
  if (documentIds.length === 0) return;
  // A statement of its own, because it reads the releases.
  await tx.query(sql.typeAlias('nothing')`WITH ${tellingReleased(documentIds)} SELECT`);
}

function listReleased(tx: Transaction, { periodStart }: Period, requestId: string) {
  return tx.any(sql.type(releasedInvoiceSchema)`
    SELECT i.tenant_id, i.invoice_id, i.number, i.currency, i.total_cents, ${dueOn('i')} AS due_on
    FROM releases rel JOIN invoices i USING (tenant_id, period_start)
    WHERE rel.period_start = ${periodStart} AND rel.request_id = ${requestId} AND ${CAN_BE_RELEASED}
    ORDER BY i.tenant_id
  `);
}

/** Returns the named tenants that another request released, without a reason, and those that are not released. */
function explainOthers(
  tx: Transaction,
  { periodStart, month }: Period,
  tenantIds: readonly string[],
  requestId: string,
) {
  return tx.any(sql.type(unreleased.extend({ reason: z.string().nullable() }))`
    SELECT asked.tenant_id, CASE
      WHEN rel.tenant_id IS NOT NULL THEN NULL
      WHEN t.tenant_id IS NULL THEN 'there is no tenant ' || asked.tenant_id
      WHEN i.status = 'void' THEN 'invoice ' || i.number || ' is void: there is nothing to release'
      WHEN i.invoice_id IS NOT NULL THEN 'invoice ' || i.number || ' still waits: request ' || ${requestId}::text
        || ' was served before and releases nothing more; release it with another request id'
      WHEN o.outcome = 'parked' THEN 'tenant ' || asked.tenant_id || ' is parked: ' || o.reason_type || ': ' || o.reason
      ELSE 'tenant ' || asked.tenant_id || ' has no invoice for ' || ${month}::text
    END AS reason
    FROM (SELECT DISTINCT unnest(${textArray(tenantIds)}) AS tenant_id) asked
    LEFT JOIN tenants t ON t.tenant_id = asked.tenant_id
    LEFT JOIN releases rel ON rel.tenant_id = asked.tenant_id AND rel.period_start = ${periodStart}
    LEFT JOIN invoices i ON i.tenant_id = asked.tenant_id AND i.period_start = ${periodStart}
      AND ${stands('i')}
    LEFT JOIN tenant_outcomes o ON o.tenant_id = asked.tenant_id AND o.period_start = ${periodStart}
    WHERE rel.request_id IS DISTINCT FROM ${requestId} OR rel.tenant_id IS NULL
    ORDER BY asked.tenant_id
  `);
}

const SHOWN_PARKED = 100;

async function listParkedTenants(tx: Transaction, period: Period) {
  const parked = await listParked(tx, period, { after: null, limit: SHOWN_PARKED });
  return parked.map(({ tenant_id, reason_type, reason }) => ({
    tenant_id,
    reason: `tenant ${tenant_id} is parked: ${reason_type}: ${reason}`,
  }));
}
