import { expect } from 'vitest';
import { DEFAULT_BOUNDS, NO_BOUNDS, type Bounds } from '../../src/domain/bounds.ts';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { deploymentLines } from './line-rules.ts';
import {
  monthKey,
  monthText,
  waitingRows,
  type Document,
  type Invoice,
  type Model,
  type Note,
  type Run,
} from './model.ts';
import { wouldOpen } from './opening-rules.ts';
import type { Real } from './real.ts';
import { chainOf, sumOf } from './standing-rules.ts';
import { taxLines } from './tax-rules.ts';

/** A preview right before a run says what the run then issues, or why it doesn't. */

export type Previews = ReadonlyMap<string, TenantPreview>;

/** Of the tenants for which the run is about to open a draft. */
export async function previewRun(model: Model, real: Real, run: Run): Promise<Previews> {
  const previews = new Map<string, TenantPreview>();
  const { month } = run;
  const opening = wouldOpen(model, run);
  const accepted = opening.filter((tenant) =>
    waitingRows(model, tenant, month).some(({ request }) => request.terms.acceptBounds),
  );
  const preview = async (tenantIds: readonly string[], bounds: Bounds) => {
    if (tenantIds.length === 0) return;
    await previewMonth(real.world.db, monthText(model, month), {
      tenantIds,
      bounds,
      onTenant: (tenant) => previews.set(tenant.tenantId, tenant),
    });
  };
  await preview(accepted, NO_BOUNDS);
  await preview(
    opening.filter((tenant) => !accepted.includes(tenant)),
    DEFAULT_BOUNDS,
  );
  expect(previews.size).toBe(opening.length);
  return previews;
}

export function expectAsPreviewed(model: Model, run: Run, previews: Previews): void {
  for (const [tenant, { preview, standing }] of previews) {
    const draft = model.drafts.findLast((each) => each.tenant === tenant && each.run === run);
    if (draft?.state === 'unchanged') expect(standing?.changes).toEqual([]);
    else if (draft?.state === 'nothing_to_bill')
      expect(preview).toMatchObject({ nothingToBill: true });
    else if (draft?.document) expect(shown(preview)).toMatchObject(charged(model, draft.document));
    else {
      const { failure } = model.outcomes.get(monthKey(tenant, run.month)) ?? {};
      const isBeyondBounds = failure === 'out_of_bounds';
      expect(preview.parked).not.toBe(null);
      expect(preview.parked?.type === 'out_of_bounds').toBe(isBeyondBounds);
    }
  }
}

function shown(preview: TenantPreview['preview']) {
  if (preview.parked !== null) return preview;
  const lines = preview.lines.map((line) => ({
    deployment: line.deploymentId,
    kind: line.kind,
    description: line.description,
    qty: line.qty,
    amountCents: line.amountCents,
    meta: line.meta,
  }));
  return { ...preview, lines };
}

/** What an invoice says; with a note, what its invoice and all its notes charge together. */
function charged(model: Model, document: Invoice | Note) {
  const invoice = document.kind === 'invoice' ? document : document.adjusts;
  const chain: readonly Document[] = chainOf(model, invoice);
  const taxCents = sumOf(chain, (each) => each.taxCents);
  const totalCents = sumOf(chain, (each) => each.totalCents);
  const fresh =
    document.kind === 'invoice' || document.draft === null
      ? document.lines
      : [
          ...deploymentLines(model, document.draft).filter(
            ({ amountCents, qty }) => amountCents !== 0 || qty !== '0',
          ),
          ...taxLines(taxCents, document.treatment),
        ];
  const lines = fresh.map(({ deployment, kind, description, qty, amountCents, meta }) => ({
    ...{ deployment, kind, description, qty, amountCents, meta },
  }));
  const totals = { subtotalCents: totalCents - taxCents, taxCents, totalCents };
  return { parked: null, nothingToBill: false, ...totals, lines };
}
