import { expect } from 'vitest';
import { z } from 'zod';
import { verifyMonth } from '../../src/audit/verify.ts';
import type { Database, Queryable } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import type { Month } from '../../src/domain/period.ts';

/**
 * Verifies a month whose invoices were built without a run. The control totals also count the runs' requests and
 * outcomes, so of theirs only sums that don't add up are wrong here.
 */
export async function expectVerifiedWithoutRun(db: Database, month: Month): Promise<void> {
  const { checks } = await verifyMonth(db, month);
  const wrong = checks.filter(
    ({ id, problems, examples }) =>
      problems > 0 && (id !== 'books_balance' || examples.some((text) => text.includes('add up'))),
  );
  expect(wrong).toEqual([]);
}

const invoice = z.object({
  invoiceId: z.string(),
  tenantId: z.string(),
  month: z.string(),
  revision: z.number(),
  status: z.string(),
  number: z.string(),
  subtotalCents: z.number(),
  taxCents: z.number(),
  totalCents: z.number(),
  adjustsInvoiceId: z.string().nullable(),
  replacesInvoiceId: z.string().nullable(),
  supersededBy: z.string().nullable(),
  requestId: z.string().nullable(),
  actor: z.string().nullable(),
  reason: z.string().nullable(),
});
export type Invoice = z.infer<typeof invoice>;

/** All invoices, or those of one tenant, by tenant, month and revision. */
export function invoicesOf(db: Queryable, tenantId?: string): Promise<readonly Invoice[]> {
  return documentsOf(db, 'invoice', tenantId);
}

/** All adjustment notes, or those of one tenant, by tenant, month and number. */
export function notesOf(db: Queryable, tenantId?: string): Promise<readonly Invoice[]> {
  return documentsOf(db, 'adjustment_note', tenantId);
}

function documentsOf(
  db: Queryable,
  kind: 'invoice' | 'adjustment_note',
  tenantId: string | undefined,
): Promise<readonly Invoice[]> {
  return db.any(sql.type(invoice)`
    SELECT invoice_id AS "invoiceId", tenant_id AS "tenantId",
      to_char(period_start, 'YYYY-MM') AS month, revision, status, number,
      subtotal_cents AS "subtotalCents", tax_cents AS "taxCents", total_cents AS "totalCents",
      adjusts_invoice_id AS "adjustsInvoiceId", replaces_invoice_id AS "replacesInvoiceId",
      superseded_by AS "supersededBy",
      request_id AS "requestId", actor, reason
    FROM invoices WHERE kind = ${kind}
      AND (${tenantId ?? null}::text IS NULL OR tenant_id = ${tenantId ?? null}::text)
    ORDER BY tenant_id, period_start, revision
  `);
}

const line = z.object({
  lineNo: z.number(),
  deploymentId: z.string().nullable(),
  kind: z.string(),
  resourceKind: z.string().nullable(),
  description: z.string(),
  qty: z.string(),
  amountCents: z.number(),
  meta: z.record(z.string(), z.unknown()),
});

export function linesOf(
  db: Queryable,
  invoiceId: string,
): Promise<readonly z.infer<typeof line>[]> {
  return db.any(sql.type(line)`
    SELECT line_no AS "lineNo", deployment_id AS "deploymentId", kind,
      resource_kind AS "resourceKind", description, trim_scale(qty) AS qty,
      amount_cents AS "amountCents", meta
    FROM invoice_lines WHERE invoice_id = ${invoiceId} ORDER BY line_no
  `);
}

const outcome = z.object({
  tenantId: z.string(),
  outcome: z.string(),
  invoiceId: z.string().nullable(),
  reasonType: z.string().nullable(),
  reason: z.string().nullable(),
});

export function outcomesOf(
  db: Queryable,
  month: string,
): Promise<readonly z.infer<typeof outcome>[]> {
  return db.any(sql.type(outcome)`
    SELECT tenant_id AS "tenantId", outcome, invoice_id AS "invoiceId",
      reason_type AS "reasonType", reason
    FROM tenant_outcomes WHERE period_start = ${`${month}-01`} ORDER BY tenant_id
  `);
}

const audit = z.object({
  eventsNotInTheirBucket: z.number(),
  bucketsWithAnotherSum: z.number(),
  sealedForNothing: z.number(),
  tenantsWithSeveralLive: z.number(),
  linesThatDoNotAddUp: z.number(),
  numbersWithGaps: z.number(),
  usageNotOnItsInvoice: z.number(),
  llmLinesNotTheirUsage: z.number(),
});

/**
 * The books, checked from the raw records by SQL of their own: each accepted event
 * is in one bucket, whose sum is exact; each bucket is open, held by a draft, or on
 * one live invoice or note; lines add up; an invoice's LLM lines and those of its notes
 * are their usage; numbers have no gaps.
 */
export async function expectSoundBooks(db: Queryable): Promise<void> {
  const found = await db.one(sql.type(audit)`
    WITH event AS (
      SELECT bucket_id, 'llm' AS source, tenant_id, deployment_id, 'llm_usage' AS resource_kind,
        service_month, model, charge_cents AS amount FROM llm_usage_events
      UNION ALL
      SELECT bucket_id, 'metered', tenant_id, deployment_id, resource_kind,
        service_month, '', added_qty FROM metered_usage_records
    ), sums AS (SELECT bucket_id, count(*) AS n, sum(amount) AS total FROM event GROUP BY bucket_id)
    SELECT
      (SELECT count(*) FROM event e LEFT JOIN usage_buckets b USING (bucket_id)
        WHERE (e.source, e.tenant_id, e.deployment_id, e.resource_kind, e.service_month)
          IS DISTINCT FROM
          (b.source, b.tenant_id, b.deployment_id, b.resource_kind, b.service_month)
          OR b.model NOT IN (e.model, '')
      ) AS "eventsNotInTheirBucket",
      (SELECT count(*) FROM usage_buckets b LEFT JOIN sums s USING (bucket_id)
        WHERE (b.event_count, b.total) IS DISTINCT FROM (coalesce(s.n, 0), coalesce(s.total, 0))
      ) AS "bucketsWithAnotherSum",
      (SELECT count(*) FROM usage_buckets b
        JOIN invoice_drafts d ON d.draft_id = b.sealed_for
        LEFT JOIN invoices i ON i.invoice_id = d.draft_id
        WHERE d.state = 'issued' AND (i.invoice_id IS NULL OR i.status = 'superseded')
      ) AS "sealedForNothing",
      (SELECT count(*) FROM (
        SELECT FROM invoices WHERE kind = 'invoice' AND superseded_by IS NULL
        GROUP BY tenant_id, period_start HAVING count(*) > 1) x
      ) AS "tenantsWithSeveralLive",
      (SELECT count(*) FROM invoices i LEFT JOIN (
          SELECT invoice_id, sum(amount_cents) FILTER (WHERE kind <> 'tax') AS subtotal,
            sum(amount_cents) AS total
          FROM invoice_lines GROUP BY invoice_id) l USING (invoice_id)
        WHERE (i.subtotal_cents, i.total_cents) IS DISTINCT FROM (coalesce(l.subtotal, 0), coalesce(l.total, 0))
      ) AS "linesThatDoNotAddUp",
      (SELECT count(*) FROM (
        SELECT FROM invoices GROUP BY tenant_id, kind
        HAVING max(tenant_seq) <> count(*) OR min(tenant_seq) <> 1) x
      ) AS "numbersWithGaps",
      (SELECT count(*) FROM usage_buckets b JOIN invoices i ON i.invoice_id = b.sealed_for
        WHERE NOT EXISTS (
          SELECT FROM invoice_usage u
          WHERE u.bucket_id = b.bucket_id AND u.invoice_id = i.invoice_id)
      ) AS "usageNotOnItsInvoice",
      (SELECT count(*) FROM (
          SELECT coalesce(i.adjusts_invoice_id, i.invoice_id) AS about, l.deployment_id, l.description,
            sum(l.qty) AS n,
            (array_agg((l.meta ->> 'exact_cents')::numeric ORDER BY i.kind, i.revision DESC))[1] AS total
          FROM invoice_lines l JOIN invoices i USING (invoice_id)
          WHERE l.kind = 'llm_usage' AND i.note_origin IS DISTINCT FROM 'credit' GROUP BY 1, 2, 3
        ) charged
        FULL JOIN (
          SELECT coalesce(i.adjusts_invoice_id, i.invoice_id) AS about, b.deployment_id,
            'LLM usage' || CASE WHEN b.service_month < i.period_start
              THEN ', late for ' || to_char(b.service_month, 'YYYY-MM') ELSE '' END AS description,
            sum(u.n) AS n, sum(u.total) AS total
          FROM (
            SELECT u.invoice_id, bucket_id, s.n, s.total FROM invoice_usage u JOIN sums s USING (bucket_id)
            UNION ALL
            SELECT le.invoice_id, e.bucket_id, -1, -e.amount
            FROM invoice_exclusions le JOIN usage_exclusions e USING (exclusion_id)
          ) u JOIN invoices i USING (invoice_id) JOIN usage_buckets b USING (bucket_id)
          WHERE b.source = 'llm' GROUP BY 1, 2, 3
        ) used USING (about, deployment_id, description)
        WHERE coalesce(charged.n, 0) <> coalesce(used.n, 0)
          OR (charged.n <> 0 AND charged.total IS DISTINCT FROM used.total)
      ) AS "llmLinesNotTheirUsage"
  `);
  expect(found).toEqual({
    eventsNotInTheirBucket: 0,
    bucketsWithAnotherSum: 0,
    sealedForNothing: 0,
    tenantsWithSeveralLive: 0,
    linesThatDoNotAddUp: 0,
    numbersWithGaps: 0,
    usageNotOnItsInvoice: 0,
    llmLinesNotTheirUsage: 0,
  });
}
