import { parseComposition, readCompositions } from '../db/invoices/compositions.ts';
import { learnPlanVersions, planVersionsOf } from '../db/invoices/quote-inputs.ts';
import { rawUsage } from '../db/invoices/verification-usage.ts';
import type { Queryable } from '../db/pool.ts';
import { readHeldUsage } from '../db/usage/held-usage.ts';
import {
  composeInvoice,
  type ComposedInvoice,
  type InvoiceInputs,
} from '../domain/compose-invoice.ts';
import type { Period } from '../domain/period.ts';
import type { PlanVersion } from '../domain/types.ts';

/**
 * Composes again what a document was composed from: the subscriptions that it keeps, and the raw events of its usage.
 * @returns null if its composition is not valid
 * @throws DomainError like `composeInvoice`
 */
export type Recompose = (
  documentId: string,
  terms: Pick<InvoiceInputs, 'currency' | 'tax' | 'items'>,
) => ComposedInvoice | null;

/**
 * Reads what these documents were composed from.
 * @param holders as `rawUsage` takes them; each owner is a document
 * @param planVersions known versions; missing ones are added
 */
export async function readToRecompose(
  db: Queryable,
  period: Period,
  holders: readonly { readonly owner: string; readonly invoiceId: string }[],
  planVersions: Map<string, PlanVersion>,
): Promise<Recompose> {
  const documentIds = [...new Set(holders.map(({ owner }) => owner))];
  const stored = await readCompositions(db, documentIds);
  const compositions = new Map(
    documentIds.map((id) => [id, parseComposition(stored.get(id) ?? [])]),
  );
  const deployments = [...compositions.values()].flatMap((composition) => composition ?? []);
  await learnPlanVersions(db, planVersions, planVersionsOf(deployments));
  const held = await readHeldUsage(db, period, rawUsage(holders));
  const llmUsage = Map.groupBy(held.llm, ({ owner }) => owner);
  return (documentId, terms) => {
    const composition = compositions.get(documentId);
    if (!composition) return null;
    return composeInvoice({
      ...terms,
      period,
      deployments: composition,
      planVersions,
      meteredUsage: held.metered,
      llmUsage: llmUsage.get(documentId) ?? [],
    });
  };
}
