import { z } from 'zod';
import type { LastInvoice } from '../../domain/bounds.ts';
import type { DeploymentLine } from '../../domain/deployment-lines.ts';
import type { InvoiceTax, TaxTerms } from '../../domain/invoice-totals.ts';
import type { FreeItem } from '../../domain/invoice-items.ts';
import type { Month, Period } from '../../domain/period.ts';
import { CHUNKS_OF_DRAFT, linesOfChunks, storedChunks } from './draft-chunks.ts';
import { IS_SERVED, type OwnDraft } from './drafts.ts';
import { freeItems, freeItemsAfter, freeItemsSchema } from '../month-end/unbilled-items.ts';
import { lastInvoiceBefore, toLastInvoice } from './last-invoice.ts';
import { chargedSoFar, chargedSoFarOf } from './charged-so-far.ts';
import { isSettled } from '../standing.ts';
import type { Transaction } from '../pool.ts';
import { invoiceTaxSchema, taxViewOf } from '../tax/invoice-tax.ts';
import { taxTermsOf, taxTermsSchema } from '../tax/tax-terms.ts';
import { isOneOf, sql } from '../sql.ts';

/** The terms that decide whether a draft is issued. */
export interface IssueTerms {
  /** Whether the draft serves a forced request. */
  readonly isForced: boolean;
  /** Whether all requests that it serves want a revision only if something changes. */
  readonly onlyIfChanged: boolean;
  /** Whether one of the requests accepts a total beyond the safety bounds. */
  readonly acceptBounds: boolean;
  /**
   * Whether the invoice that it replaces could hold the draft's usage as it is: what it was composed from still explains
   * its lines. False for a first invoice, and where the replaced one is void.
   */
  readonly canKeepReplaced: boolean;
  /** The invoice whose total it is compared with: the one that it replaces, unless void, or the tenant's last one. */
  readonly last: LastInvoice | null;
  /** How the invoice that it replaces was taxed; null for a first invoice. */
  readonly replacedTax: InvoiceTax | null;
  /** If that invoice is settled: what the draft's adjustment note is computed from. Null: it becomes an invoice. */
  readonly adjusted: Adjusted | null;
  /** The document that keeps the draft's usage if nothing would change. Null for a first invoice. */
  readonly keeperId: string | null;
}

const adjusted = z.object({
  ...chargedSoFar.shape,
  /** Usage of which the draft took or excludes some. */
  touched: z.array(
    z.object({
      source: z.enum(['llm', 'metered']),
      deploymentId: z.string(),
      resourceKind: z.string(),
      serviceMonth: z.string(),
    }),
  ),
});
/** A settled invoice with its notes. */
export type Adjusted = z.infer<typeof adjusted>;

const draftToIssue = z.object({
  draftId: z.string(),
  chunks: storedChunks,
  onlyIfChanged: z.boolean().nullable(),
  acceptBounds: z.boolean().nullable(),
  lastNumber: z.string().nullable(),
  lastTotalCents: z.number().nullable(),
  isMonthPartial: z.boolean().nullable(),
  isLastMonthPartial: z.boolean().nullable(),
  tax: taxTermsSchema,
  holdsUsage: z.boolean(),
  comparedMonths: z.array(z.string()).nullable(),
  items: freeItemsSchema,
});

/** Everything that a draft's invoice is made from, apart from the draft itself. */
export interface DraftToIssue {
  readonly terms: IssueTerms;
  /** What decides its tax, as recorded now. */
  readonly tax: TaxTerms;
  /** Null if a step's lines are missing. */
  readonly lines: readonly DeploymentLine[] | null;
  /** Whether usage is sealed for it. */
  readonly holdsUsage: boolean;
  /**
   * If control totals count and the tenant has any: the months to compare them for, which are the draft's own and those
   * whose LLM usage is sealed for it.
   */
  readonly comparedMonths: readonly Month[] | null;
  /** Invoice items that it can take. They stay free for it, because the caller holds the tenant's lock. */
  readonly items: readonly FreeItem[];
}

/**
 * Returns the lines of drafts and the terms that decide whether they are issued, and as what. The caller holds their
 * locks and those of the invoices that they replace. This is a separate statement, so it sees what was committed while
 * the caller waited for the locks: a payment, for example.
 */
export async function readDraftsToIssue(
  tx: Transaction,
  period: Period,
  drafts: readonly OwnDraft[],
  { withControlTotals }: { readonly withControlTotals: boolean },
): Promise<ReadonlyMap<string, DraftToIssue>> {
  if (drafts.length === 0) return new Map();
  const rows = await tx.any(sql.type(draftToIssue)`
    SELECT d.draft_id AS "draftId", ${CHUNKS_OF_DRAFT} AS chunks,
      request.only_if_changed AS "onlyIfChanged", request.accept_bounds AS "acceptBounds",
      last.number AS "lastNumber", last.total_cents AS "lastTotalCents",
      last.is_month_partial AS "isMonthPartial", last.is_last_month_partial AS "isLastMonthPartial",
      EXISTS (SELECT FROM usage_buckets b WHERE b.sealed_for = d.draft_id) AS "holdsUsage",
      ${withControlTotals ? comparedMonths(period) : sql.fragment`NULL::text[]`} AS "comparedMonths",
      ${taxTermsOf(period, sql.fragment`d.tenant_id`, sql.fragment`t.currency`)} AS tax,
      ${freeItems(period, sql.fragment`d.tenant_id`)} AS items
    FROM invoice_drafts d JOIN tenants t USING (tenant_id)
    LEFT JOIN LATERAL (
      SELECT bool_and(r.only_if_changed) AS only_if_changed, bool_or(r.accept_bounds) AS accept_bounds
      FROM month_end_request_tenants f JOIN month_end_requests r USING (request_seq)
      WHERE f.draft_id = d.draft_id AND ${IS_SERVED}
    ) request ON true
    LEFT JOIN LATERAL (${lastInvoiceBefore(period, sql.fragment`d.tenant_id`)}) last ON true
    WHERE d.draft_id ${isOneOf(
      drafts.map(({ draftId }) => draftId),
      'uuid',
    )}
  `);
  const replaced = await readReplaced(tx, period, drafts);
  return new Map(
    rows.map(({ draftId, chunks, ...row }) => {
      const before = replaced.get(draftId);
      return [
        draftId,
        {
          lines: linesOfChunks(chunks),
          tax: row.tax,
          holdsUsage: row.holdsUsage,
          comparedMonths: row.comparedMonths,
          items: before?.items ?? row.items,
          terms: {
            isForced: row.onlyIfChanged !== null,
            onlyIfChanged: row.onlyIfChanged === true,
            acceptBounds: row.acceptBounds === true,
            canKeepReplaced: before?.canKeepReplaced ?? false,
            last: before?.bound ?? toLastInvoice(row),
            replacedTax: before?.tax ?? null,
            adjusted: before?.adjusted ?? null,
            keeperId: before?.keeperId ?? null,
          },
        },
      ];
    }),
  );
}

/** The months to compare control totals for, of a draft `d`; null if its tenant has none, which costs one look-up. */
function comparedMonths({ month }: Period) {
  return sql.fragment`CASE WHEN EXISTS (SELECT FROM control_totals c WHERE c.tenant_id = d.tenant_id)
    THEN ARRAY(
      SELECT ${month}::text
      UNION SELECT to_char(b.service_month, 'YYYY-MM') FROM usage_buckets b
      WHERE b.sealed_for = d.draft_id AND b.source = 'llm'
    ) END`;
}

const replacedInvoice = z.object({
  draftId: z.string(),
  canKeepReplaced: z.boolean(),
  number: z.string(),
  totalCents: z.number(),
  isVoid: z.boolean(),
  tax: invoiceTaxSchema,
  adjusted: adjusted.nullable(),
  keeperId: z.string(),
  items: freeItemsSchema,
});

/**
 * Returns what drafts need to know of the invoices that they replace or adjust, by draft. A statement of its own, because
 * most drafts of a month replace nothing, and would still pay for planning it.
 */
async function readReplaced(tx: Transaction, period: Period, drafts: readonly OwnDraft[]) {
  const draftIds = drafts.flatMap(({ draftId, replacesInvoiceId }) =>
    replacesInvoiceId === null ? [] : draftId,
  );
  const rows =
    draftIds.length === 0
      ? []
      : await tx.any(sql.type(replacedInvoice)`
          SELECT d.draft_id AS "draftId",
            NOT d.replaces_void AND (${TOOK_NOTHING} OR ${SAME_COMPOSITION}) AS "canKeepReplaced",
            i.number, i.total_cents AS "totalCents", d.replaces_void AS "isVoid", ${taxViewOf('i')} AS tax,
            CASE WHEN ${isSettled('i')} THEN ${chargedSoFarOf('i')} || jsonb_build_object('touched', ${TOUCHED}) END
              AS adjusted,
            ${KEEPER} AS "keeperId",
            ${freeItemsAfter(period, sql.fragment`d.tenant_id`, sql.fragment`d.replaces_invoice_id`)} AS items
          -- Each replaces one, but an inner join could read the index of all drafts that replace an invoice.
          FROM invoice_drafts d LEFT JOIN invoices i ON i.invoice_id = d.replaces_invoice_id
          WHERE d.draft_id ${isOneOf(draftIds, 'uuid')}
        `);
  return new Map(
    rows.map(({ draftId, number, totalCents, isVoid, ...row }) => [
      draftId,
      // A void invoice is no measure for the safety bounds.
      { ...row, bound: isVoid ? null : { number, totalCents } },
    ]),
  );
}

/** The usage of which a draft `d` took or excludes some, as a JSON array. */
const TOUCHED = sql.fragment`(
  SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('source', b.source, 'deploymentId', b.deployment_id,
    'resourceKind', b.resource_kind, 'serviceMonth', to_char(b.service_month, 'YYYY-MM'))), '[]')
  FROM (
    SELECT bucket_id FROM usage_buckets WHERE sealed_for = d.draft_id
    UNION
    SELECT bucket_id FROM usage_exclusions WHERE applied_to = d.draft_id
  ) took JOIN usage_buckets b USING (bucket_id))`;

/**
 * The document that was composed last among the invoice that a draft `d` replaces and that invoice's notes. Credits
 * compose nothing.
 */
const KEEPER = sql.fragment`coalesce((
    SELECT n.invoice_id FROM invoices n
    WHERE n.adjusts_invoice_id = d.replaces_invoice_id AND n.note_origin = 'rerun'
    ORDER BY n.revision DESC LIMIT 1
  ), d.replaces_invoice_id)`;

/** Condition on a draft `d`: it took no usage or exclusion beyond those of the invoice that it replaces. */
const TOOK_NOTHING = sql.fragment`NOT (
  EXISTS (SELECT FROM usage_buckets b WHERE b.sealed_for = d.draft_id)
  OR EXISTS (SELECT FROM usage_exclusions e WHERE e.applied_to = d.draft_id))`;

/** Condition on a draft `d`: it was composed from the same subscriptions and days as the document composed last. */
const SAME_COMPOSITION = sql.fragment`(
    SELECT jsonb_agg(e ORDER BY c.after_deployment, n) FROM invoice_draft_chunks c
    CROSS JOIN LATERAL jsonb_array_elements(c.deployments) WITH ORDINALITY AS x (e, n)
    WHERE c.draft_id = d.draft_id AND c.section = 'quote'
  ) IS NOT DISTINCT FROM (
    SELECT jsonb_agg(e ORDER BY c.part, n) FROM invoice_compositions c
    CROSS JOIN LATERAL jsonb_array_elements(c.deployments) WITH ORDINALITY AS x (e, n)
    WHERE c.invoice_id = ${KEEPER}
  )`;
