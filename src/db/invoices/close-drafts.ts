import type { Period } from '../../domain/period.ts';
import { deletingChunks } from './draft-chunks.ts';
import { IS_SERVED, type OwnDraft } from './drafts.ts';
import { moveUsage, notingExclusions, tyingUsage } from './invoice-usage.ts';
import { recordingOutcomes } from '../month-end/tenant-outcomes.ts';
import type { Transaction } from '../pool.ts';
import { isOneOf, rowsAs, sql } from '../sql.ts';

/** How a draft ends: as a document, or without one, and what that means for the requests that it serves. */

/**
 * Closes drafts that don't differ from the live invoices with their notes, and moves the usage that they sealed to the
 * document of these that was composed last. The documents, their lines and their digests don't change.
 */
export async function keepInvoices(
  tx: Transaction,
  period: Period,
  drafts: readonly (OwnDraft & {
    readonly replacesInvoiceId: string;
    /** The document that keeps the usage. */
    readonly keeperId: string;
    readonly isForced: boolean;
  })[],
): Promise<void> {
  if (drafts.length === 0) return;
  const draftIds = drafts.map(({ draftId }) => draftId);
  const moves = drafts.map(({ draftId, keeperId }) => ({ from: draftId, to: keeperId }));
  await moveUsage(tx, moves);
  const keeperIds = moves.map(({ to }) => to);
  const outcomes = drafts.map(({ tenantId, replacesInvoiceId: invoiceId }) => ({
    tenantId,
    outcome: 'unchanged' as const,
    invoiceId,
  }));
  await tx.query(sql.typeAlias('nothing')`
    WITH closed AS (${closing(draftIds, 'unchanged')}), chunks AS (${deletingChunks(draftIds)}),
      left_out AS (${notingExclusions(keeperIds)}),
      outcomes AS (${recordingOutcomes(period, outcomes)})
    ${tyingUsage(period, keeperIds)}
  `);
  await answerForcedRequests(
    tx,
    drafts.map((draft) => ({
      ...draft,
      outcome: 'unchanged' as const,
      madeId: draft.replacesInvoiceId,
    })),
  );
}

/** Closes drafts with nothing to bill: no lines, no usage and no invoice to replace. */
export async function closeWithoutInvoice(
  tx: Transaction,
  period: Period,
  drafts: readonly OwnDraft[],
): Promise<void> {
  if (drafts.length === 0) return;
  const draftIds = drafts.map(({ draftId }) => draftId);
  const outcomes = drafts.map(({ tenantId }) => ({
    tenantId,
    outcome: 'nothing_to_bill' as const,
  }));
  await tx.query(sql.typeAlias('nothing')`
    WITH closed AS (${closing(draftIds, 'nothing_to_bill')}), chunks AS (${deletingChunks(draftIds)}),
      served AS (
        UPDATE month_end_request_tenants f SET outcome = 'nothing_to_bill', reason = NULL
        WHERE f.draft_id ${isOneOf(draftIds, 'uuid')} AND ${IS_SERVED}
      )
    ${recordingOutcomes(period, outcomes)}
  `);
}

/** Returns a statement that closes drafts. */
export function closing(
  draftIds: readonly string[],
  state: 'issued' | 'unchanged' | 'nothing_to_bill',
) {
  return sql.fragment`
    UPDATE invoice_drafts SET state = ${state}, closed_at = now()
    WHERE draft_id ${isOneOf(draftIds, 'uuid')}`;
}

/** Gives the forced requests that drafts serve their outcome. */
export async function answerForcedRequests(
  tx: Transaction,
  drafts: readonly {
    readonly draftId: string;
    readonly isForced: boolean;
    readonly outcome: 'rolled' | 'adjusted' | 'unchanged';
    /** The document that the draft became, or the invoice that stays. */
    readonly madeId: string;
  }[],
): Promise<void> {
  const forced = drafts.filter(({ isForced }) => isForced);
  if (forced.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    UPDATE month_end_request_tenants f
    SET outcome = d.outcome, invoice_id = d."madeId", reason = NULL
    FROM ${rowsAs('d', { draftId: 'uuid', outcome: 'text', madeId: 'uuid' }, forced)}
    WHERE f.draft_id = d."draftId" AND ${IS_SERVED}
  `);
}
