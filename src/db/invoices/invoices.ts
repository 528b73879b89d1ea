import { z } from 'zod';
import type { Period } from '../../domain/period.ts';
import type { ComposedInvoice } from '../../domain/compose-invoice.ts';
import type { LineChange } from '../../domain/line-changes.ts';
import { CURRENT_SELLER } from '../catalogue/seller-details.ts';
import { deletingChunks, keepingCompositions } from './draft-chunks.ts';
import { IS_SERVED, type OwnDraft } from './drafts.ts';
import { closing, answerForcedRequests } from './close-drafts.ts';
import { moveUsage, notingExclusions, tyingUsage } from './invoice-usage.ts';
import { DIGITS_OF_NUMBER } from './invoice-numbers.ts';
import { KIND_COLUMNS, KIND_COLUMN_NAMES, kindColumns, kindsOf } from './kind-totals.ts';
import { insertingLines, LINE_COLUMNS, lineRow, type LineRow } from './line-rows.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { rowsAs, sql, uuidArray } from '../sql.ts';
import { TAX_COLUMNS, taxColumns } from '../tax/invoice-tax.ts';
import { recordingOutcomes } from '../month-end/tenant-outcomes.ts';
import { tellingIssued } from '../webhooks/webhook-outbox.ts';

const standing = z.object({
  invoiceId: z.string(),
  number: z.string(),
  kind: z.enum(['invoice', 'adjustment_note']),
  /** Of a note: the invoice that it adjusts. */
  adjustsInvoiceId: z.string().nullable(),
  status: z.enum(['issued', 'void', 'superseded']),
  totalCents: z.number(),
});

/**
 * Locks documents, such as invoices that are about to be replaced or adjusted, and returns their current status and
 * total. Whether an invoice is settled is for a later statement (`isSettled`).
 */
export function lockInvoices(
  tx: Transaction,
  invoiceIds: readonly string[],
): Promise<readonly z.infer<typeof standing>[]> {
  return tx.any(sql.type(standing)`
    SELECT invoice_id AS "invoiceId", number, kind, adjusts_invoice_id AS "adjustsInvoiceId", status,
      total_cents AS "totalCents"
    FROM invoices WHERE invoice_id = ANY(${uuidArray(invoiceIds)})
    ORDER BY invoice_id FOR UPDATE
  `);
}

/** A draft and the invoice or adjustment note composed from it. */
export type BuiltDraft = OwnDraft &
  ComposedInvoice & {
    /** Whether it adjusts the invoice of `replacesInvoiceId` instead of replacing it. */
    readonly isNote: boolean;
  };

/** A draft that is ready to become an invoice or an adjustment note. */
export type IssuableDraft = BuiltDraft & {
  /** Whether it serves a forced request. */
  readonly isForced: boolean;
  /** Of a revision: its differences from the invoice that it replaces. A note's lines are differences themselves. */
  readonly changes: readonly LineChange[];
};

/** Returns the lines of invoices, in order, by invoice id. */
export async function readInvoiceLines(
  db: Queryable,
  invoiceIds: readonly string[],
): Promise<ReadonlyMap<string, readonly LineRow[]>> {
  const rows = await db.any(sql.type(lineRow)`
    SELECT invoice_id AS "ownerId", line_no AS "lineNo", ${LINE_COLUMNS}
    FROM invoice_lines WHERE invoice_id = ANY(${uuidArray(invoiceIds)})
    ORDER BY invoice_id, line_no
  `);
  return Map.groupBy(rows, ({ ownerId }) => ownerId);
}

/**
 * Issues drafts: each becomes the complete invoice of its tenant's month, or an adjustment note of it, and sets the
 * tenant's outcome. Runs in the transaction of the caller, who holds the locks on tenants, drafts and the invoices that
 * they replace or adjust. The constraints require this order of steps. A note takes nothing from its invoice.
 */
export async function issueInvoices(
  tx: Transaction,
  period: Period,
  drafts: readonly IssuableDraft[],
): Promise<void> {
  if (drafts.length === 0) return;
  const draftIds = drafts.map(({ draftId }) => draftId);
  const outcomes = drafts.map(({ tenantId, draftId, isNote, replacesInvoiceId }) => ({
    tenantId,
    outcome: isNote ? ('adjusted' as const) : ('rolled' as const),
    invoiceId: isNote ? (replacesInvoiceId ?? '') : draftId,
  }));
  const revisions = drafts.filter(
    ({ isNote, replacesInvoiceId }) => !isNote && replacesInvoiceId !== null,
  );
  const documents = drafts.map((draft) => ({
    documentId: draft.draftId,
    isNote: draft.isNote,
    isRevision: revisions.includes(draft),
  }));
  await supersedeInvoices(tx, revisions);
  await insertInvoices(tx, period, drafts);
  await insertLineChanges(tx, revisions);
  await inheritUsage(tx, revisions);
  // Everything derived from the invoices, in one statement: no part reads the results of another.
  await tx.query(sql.typeAlias('nothing')`
    WITH digests AS (${makingDigests(draftIds)}), closed AS (${closing(draftIds, 'issued')}),
      left_out AS (${notingExclusions(draftIds)}), chunks AS (${deletingChunks(draftIds)}),
      outcomes AS (${recordingOutcomes(period, outcomes)}), ${tellingIssued(documents)}
    ${tyingUsage(period, draftIds)}
  `);
  await answerForcedRequests(
    tx,
    drafts.map((draft) => ({
      ...draft,
      outcome: draft.isNote ? ('adjusted' as const) : ('rolled' as const),
      madeId: draft.draftId,
    })),
  );
}

/** The columns of a draft that the insert of invoices needs. */
const HEADER = {
  draftId: 'uuid',
  tenantId: 'text',
  currency: 'text',
  subtotalCents: 'int8',
  taxableCents: 'int8',
  taxCents: 'int8',
  totalCents: 'int8',
  isNote: 'bool',
  replacesInvoiceId: 'uuid',
  ...KIND_COLUMNS,
  ...TAX_COLUMNS,
} as const;

const LINE_CHANGE = {
  draftId: 'uuid',
  changeNo: 'int4',
  change: 'text',
  replacesInvoiceId: 'uuid',
  replacedLineNo: 'int4',
  lineNo: 'int4',
} as const;

/** Links invoices to their successors. A void one stays void. */
async function supersedeInvoices(tx: Transaction, drafts: readonly IssuableDraft[]): Promise<void> {
  if (drafts.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE invoices i
    SET status = CASE i.status WHEN 'void' THEN 'void' ELSE 'superseded' END,
      superseded_by = d."draftId", superseded_at = now()
    FROM ${rowsAs('d', { draftId: 'uuid', replacesInvoiceId: 'uuid' }, drafts)}
    WHERE i.invoice_id = d."replacesInvoiceId"
  `);
}

/**
 * Inserts headers, each with its tenant's next number of its series (a forced one also has an actor and a reason),
 * their compositions, and all their lines, which must arrive in one statement. Under `immediate` a first invoice
 * releases its period.
 */
async function insertInvoices(
  tx: Transaction,
  period: Period,
  drafts: readonly IssuableDraft[],
): Promise<void> {
  const headers = drafts.map((draft) => ({
    ...draft,
    ...kindColumns(draft.lines),
    ...taxColumns(draft.tax),
  }));
  await tx.query(sql.typeAlias('nothing')`
    WITH d AS MATERIALIZED (
      SELECT * FROM ${rowsAs('d', HEADER, headers)}
    ), seller AS MATERIALIZED (${CURRENT_SELLER}), numbered AS (
      UPDATE tenants t SET last_invoice_seq = last_invoice_seq + (NOT d."isNote")::int,
        last_note_seq = last_note_seq + d."isNote"::int
      FROM d WHERE t.tenant_id = d."tenantId"
      RETURNING t.tenant_id, t.name,
        CASE WHEN d."isNote" THEN t.last_note_seq ELSE t.last_invoice_seq END AS seq
    ), header AS (
    INSERT INTO invoices (invoice_id, kind, adjusts_invoice_id, note_origin, tenant_id, period_start, period_end, revision, tenant_seq,
      number, currency, subtotal_cents, taxable_cents, tax_cents, total_cents, ${KIND_COLUMN_NAMES}, tax_treatment, tax_label, tax_rate,
      tax_note, seller_registered, aud_rate, aud_rate_source, tax_aud_cents, replaces_invoice_id,
      request_id, actor, reason, buyer_name, buyer_version, seller_version, payment_days)
    SELECT d."draftId", CASE WHEN d."isNote" THEN 'adjustment_note' ELSE 'invoice' END,
      CASE WHEN d."isNote" THEN d."replacesInvoiceId" END, CASE WHEN d."isNote" THEN 'rerun' END,
      d."tenantId", ${period.periodStart}, ${period.periodEnd},
      1 + CASE WHEN d."isNote" THEN (
        SELECT count(*) FROM invoices earlier WHERE earlier.adjusts_invoice_id = d."replacesInvoiceId"
      ) ELSE coalesce(old.revision, 0) END,
      n.seq, d."tenantId" || CASE WHEN d."isNote" THEN '-A' ELSE '-' END || ${DIGITS_OF_NUMBER},
      d.currency, d."subtotalCents", d."taxableCents", d."taxCents", d."totalCents", ${kindsOf('d')}, d.tax_treatment, d.tax_label, d.tax_rate,
      d.tax_note, d.seller_registered, d.aud_rate, d.aud_rate_source, d.tax_aud_cents,
      CASE WHEN NOT d."isNote" THEN d."replacesInvoiceId" END,
      r.request_id, r.actor, r.reason,
      -- The current parties. The invoice's documents keep showing these.
      n.name, (SELECT max(b.version) FROM buyer_details b WHERE b.tenant_id = d."tenantId"),
      seller.version, seller.payment_days
    FROM d
    CROSS JOIN seller
    JOIN numbered n ON n.tenant_id = d."tenantId"
    LEFT JOIN invoices old ON old.invoice_id = d."replacesInvoiceId"
    -- If one revision or note serves several requests, it names the first one; month_end_request_tenants has all of
    -- them.
    LEFT JOIN LATERAL (
      SELECT r.request_id, r.actor, r.reason
      FROM month_end_request_tenants f JOIN month_end_requests r USING (request_seq)
      WHERE f.tenant_id = d."tenantId" AND f.period_start = ${period.periodStart}
        AND f.draft_id = d."draftId" AND ${IS_SERVED}
      ORDER BY r.request_seq LIMIT 1
    ) r ON true
    RETURNING tenant_id, period_start, kind, revision
    ), released AS (
      INSERT INTO releases (tenant_id, period_start, actor, reason)
      SELECT header.tenant_id, header.period_start, 'worker', 'the seller releases invoices when they are issued'
      FROM header CROSS JOIN seller
      WHERE header.kind = 'invoice' AND header.revision = 1 AND seller.release = 'immediate'
      ON CONFLICT DO NOTHING
    ), composed AS (${keepingCompositions(drafts.map(({ draftId }) => draftId))})
    ${insertingLines(drafts)}
  `);
}

/** Inserts the differences between each revision and its predecessor, by line number. */
async function insertLineChanges(tx: Transaction, drafts: readonly IssuableDraft[]): Promise<void> {
  const rows = drafts.flatMap(({ draftId, replacesInvoiceId, changes }) =>
    changes.map(({ change, before, after }, index) => ({
      draftId,
      replacesInvoiceId,
      changeNo: index + 1,
      change,
      replacedLineNo: before?.lineNo ?? null,
      lineNo: after?.lineNo ?? null,
    })),
  );
  if (rows.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO invoice_line_changes
      (invoice_id, change_no, change, replaced_invoice_id, replaced_line_no, line_no)
    SELECT "draftId", "changeNo", change, "replacesInvoiceId", "replacedLineNo", "lineNo"
    FROM ${rowsAs('c', LINE_CHANGE, rows)}
  `);
}

/** Moves the usage of each revision's predecessor, with its exclusions, to the revision. */
async function inheritUsage(tx: Transaction, drafts: readonly IssuableDraft[]): Promise<void> {
  await moveUsage(
    tx,
    drafts.map(({ draftId, replacesInvoiceId }) => ({ from: replacesInvoiceId, to: draftId })),
  );
}

/** Returns a statement that stores a digest of each invoice, which later proves that nothing was changed. */
export function makingDigests(invoiceIds: readonly string[]) {
  return sql.fragment`
    INSERT INTO invoice_digests (invoice_id, digest)
    SELECT id, invoice_digest(id) FROM unnest(${uuidArray(invoiceIds)}) AS id`;
}
