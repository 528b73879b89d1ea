import { expect } from 'vitest';
import { DEFAULT_BOUNDS, NO_BOUNDS, type Bounds } from '../../src/domain/bounds.ts';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { monthText, outcomeKey, waitingRows, type Model, type Run } from './model.ts';
import { wouldOpen } from './month-end-rules.ts';
import type { Real } from './real.ts';

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
    else if (draft?.invoice) {
      const { lines, subtotalCents, taxCents, totalCents } = draft.invoice;
      const issued = { parked: null, nothingToBill: false, subtotalCents, taxCents, totalCents };
      expect({
        ...preview,
        ...(preview.parked === null && {
          lines: preview.lines.map(({ lineNo: _, deploymentId, subscriptionId, ...line }) => ({
            ...line,
            deployment: deploymentId,
            subscription: subscriptionId,
          })),
        }),
      }).toMatchObject({ ...issued, lines });
    } else {
      const { failure } = model.outcomes.get(outcomeKey(tenant, run.month)) ?? {};
      const isBeyondBounds = failure === 'out_of_bounds';
      expect(preview.parked).not.toBe(null);
      expect(preview.parked?.type === 'out_of_bounds').toBe(isBeyondBounds);
    }
  }
}
