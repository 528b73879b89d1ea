import { z } from 'zod';
import type { QuoteCursor } from '../contracts/activities.ts';
import type { DeploymentLine } from '../domain/compose-invoice.ts';
import { LINE_COLUMNS, lineRow } from './line-rows.ts';
import type { Transaction } from './pool.ts';
import { jsonRows, sql, uuidArray } from './sql.ts';

/** Where lines of a draft go within a deployment: the quote's first, then LLM usage. */
export const QUOTE_SECTION = 1;
export const LLM_SECTION = 2;

/** A line on its way into a draft. */
export interface DraftLine extends DeploymentLine {
  readonly draftId: string;
  /** From 1, within the deployment and section. */
  readonly position: number;
}

const draftLine = lineRow.omit({ lineNo: true }).extend({ deploymentId: z.string() });

/** The lines of drafts by draft, those of a deployment in their order. */
export async function readDraftLines(
  tx: Transaction,
  draftIds: readonly string[],
): Promise<ReadonlyMap<string, readonly DeploymentLine[]>> {
  const rows = await tx.any(sql.type(draftLine)`
    SELECT draft_id AS "ownerId", ${LINE_COLUMNS}
    FROM invoice_draft_lines WHERE draft_id = ANY(${uuidArray(draftIds)})
    ORDER BY draft_id, deployment_id, section, position
  `);
  return Map.groupBy(rows, ({ ownerId }) => ownerId);
}

/** Deletes the lines of those of the drafts that are closed: nobody needs them any more. */
export async function deleteClosedDraftLines(
  tx: Transaction,
  draftIds: readonly string[],
): Promise<void> {
  await tx.query(sql.typeAlias('nothing')`
    DELETE FROM invoice_draft_lines l USING invoice_drafts d
    WHERE l.draft_id = ANY(${uuidArray(draftIds)}) AND d.draft_id = l.draft_id
      AND d.state <> 'open'
  `);
}

/** Deployments of drafts, in the order of (draft, deployment): after one, up to another. */
export interface LineRange {
  /** Null: from the first. */
  readonly after: QuoteCursor | null;
  /** Null: to the last. */
  readonly upTo: QuoteCursor | null;
}

/**
 * Writes the lines of a section in place of what an earlier attempt may have
 * written in that range. The caller holds the drafts' locks.
 */
export async function replaceDraftLines(
  tx: Transaction,
  section: typeof QUOTE_SECTION | typeof LLM_SECTION,
  draftIds: readonly string[],
  { after, upTo }: LineRange,
  lines: readonly DraftLine[],
): Promise<void> {
  const isAfter = after
    ? sql.fragment`AND (draft_id, deployment_id) > (${after.draftId}::uuid, ${after.deploymentId})`
    : sql.fragment``;
  const isUpTo = upTo
    ? sql.fragment`AND (draft_id, deployment_id) <= (${upTo.draftId}::uuid, ${upTo.deploymentId})`
    : sql.fragment``;
  await tx.query(sql.typeAlias('nothing')`
    DELETE FROM invoice_draft_lines
    WHERE draft_id = ANY(${uuidArray(draftIds)}) AND section = ${section} ${isAfter} ${isUpTo}
  `);
  if (lines.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO invoice_draft_lines (draft_id, deployment_id, section, position, subscription_id,
      kind, resource_kind, description, qty, unit, unit_price_cents, amount_cents, meta)
    SELECT "draftId", "deploymentId", ${section}, position, "subscriptionId",
      kind, "resourceKind", description, qty, unit, "unitPriceCents", "amountCents", meta
    FROM json_to_recordset(${jsonRows(lines)}) AS l ("draftId" uuid, "deploymentId" text,
      position int, "subscriptionId" text, kind text, "resourceKind" text, description text,
      qty numeric, unit text, "unitPriceCents" bigint, "amountCents" bigint, meta jsonb)
  `);
}
