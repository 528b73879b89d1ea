import type { Database, Queryable } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { readInvoiceInputs } from '../db/invoices/invoice-inputs.ts';
import { readInvoiceLines } from '../db/invoices/invoices.ts';
import {
  countPreviewedTenants,
  findTenantsWithUsage,
  nextPreviewedTenants,
  readTouchableUsage,
  takeableUsage,
  type PreviewedTenant,
} from '../db/invoices/preview-inputs.ts';
import { toLastInvoice } from '../db/invoices/last-invoice.ts';
import { inOneSnapshot } from '../db/transactions.ts';
import { linesInEffect, type ChargedSoFar } from '../domain/adjustment.ts';
import { beyondBounds, type Bounds, type LastInvoice } from '../domain/bounds.ts';
import { mismatchReason, type ControlTotalsPolicy } from '../domain/gateway-totals.ts';
import { composeInvoice, numberLines, type ComposedInvoice } from '../domain/compose-invoice.ts';
import { DomainError } from '../domain/errors.ts';
import { chargedTreatment, taxLine, type InvoiceTax } from '../domain/invoice-totals.ts';
import { compareLines, type LineChange, type PlacedLine } from '../domain/line-changes.ts';
import type { Month } from '../domain/period.ts';
import { billedDeployment, type BillingMonth } from '../domain/service-days.ts';
import type { PlanVersion } from '../domain/types.ts';
import { composeNote } from './compose-note.ts';
import { findDifferences } from './preview-totals.ts';

/** Tenants that are computed together; limits memory use. */
const PAGE_SIZE = 200;

interface Parked {
  readonly parked: { readonly type: string; readonly reason: string };
  /** The lines that would be charged otherwise; empty if they can't be computed. */
  readonly lines: readonly PlacedLine[];
}

/** The invoice that a month end would issue for a tenant now, next to the existing one. */
export interface TenantPreview {
  readonly tenantId: string;
  readonly currency: string;
  readonly preview:
    | ({
        readonly parked: null;
        /** Whether no invoice would be issued: no lines, no usage and no invoice to replace. */
        readonly nothingToBill: boolean;
      } & ComposedInvoice)
    | Parked;
  /**
   * The live invoice, and how the previewed one differs from it (ignoring the safety bounds). If it is settled, a rerun
   * issues the difference as an adjustment note: then total and lines are those of the invoice and its notes together.
   */
  readonly standing: {
    readonly invoiceId: string;
    readonly number: string;
    readonly status: 'issued' | 'void';
    readonly isSettled: boolean;
    readonly totalCents: number;
    readonly changes: readonly LineChange[];
    readonly tax: InvoiceTax;
    /** The adjustment note that a rerun would issue, without lines if there is no difference; null: none is possible. */
    readonly note: ComposedInvoice | null;
  } | null;
  /** The last invoice of an earlier month. */
  readonly last: LastInvoice | null;
}

export interface PreviewOptions {
  readonly bounds: Bounds;
  /** With `park`, tenants whose control totals differ would be parked; by default totals don't count. */
  readonly controlTotals?: ControlTotalsPolicy;
  /** Only these tenants, if they are due; null: all due tenants. */
  readonly tenantIds: readonly string[] | null;
  /** Called for each tenant, in order. */
  readonly onTenant: (preview: TenantPreview) => void;
  /** Called first, with the number of tenants of the month. */
  readonly onCount?: (tenants: number) => void;
}

/**
 * Computes every due tenant's invoice as if the month were closed now, with the same functions, in one snapshot
 * and without writing anything. For an invoiced tenant this is the invoice that a forced rerun would issue, or what the
 * settled invoice and its notes would charge together. A month that isn't over is previewed with its usage so far.
 * @throws DomainError `invalid_month`
 */
export async function previewMonth(
  db: Database,
  month: Month,
  { bounds, controlTotals, tenantIds, onTenant, onCount }: PreviewOptions,
): Promise<void> {
  const calendar = await loadCalendar(db);
  const period = calendar.periodOf(month);
  await inOneSnapshot(db, async (tx) => {
    onCount?.(await countPreviewedTenants(tx, period));
    const billing = { period, calendar, planVersions: new Map<string, PlanVersion>() };
    let after: string | null = null;
    for (;;) {
      const page = { after, limit: PAGE_SIZE, only: tenantIds };
      const tenants: readonly PreviewedTenant[] = await nextPreviewedTenants(tx, period, page);
      const checks = { bounds, isComparing: controlTotals === 'park' };
      for (const preview of await previewPage(tx, billing, tenants, checks)) {
        onTenant(preview);
      }
      after = tenants.at(-1)?.tenantId ?? null;
      if (tenants.length < PAGE_SIZE) return;
    }
  });
}

/**
 * Returns whether the safety bounds would park a forced rerun of a tenant's invoice now.
 * @throws DomainError `invalid_month`
 */
export async function isReRunBeyondBounds(
  db: Database,
  month: Month,
  tenantId: string,
  bounds: Bounds,
): Promise<boolean> {
  let isBeyond = false;
  const onTenant = ({ preview }: TenantPreview) => {
    isBeyond = preview.parked?.type === 'out_of_bounds';
  };
  await previewMonth(db, month, { bounds, tenantIds: [tenantId], onTenant });
  return isBeyond;
}

async function previewPage(
  db: Queryable,
  billing: BillingMonth & { readonly planVersions: Map<string, PlanVersion> },
  tenants: readonly PreviewedTenant[],
  { bounds, isComparing }: { readonly bounds: Bounds; readonly isComparing: boolean },
): Promise<readonly TenantPreview[]> {
  const previewed = await readInvoiceInputs(
    db,
    billing.period,
    tenants.map((tenant) => ({ ...tenant, owner: tenant.tenantId })),
    takeableUsage(billing.period, tenants),
    billing.planVersions,
  );
  const standing = await readInvoiceLines(
    db,
    tenants.flatMap(({ invoiceId, adjusted }) =>
      invoiceId === null ? [] : [invoiceId, ...(adjusted?.rerunIds ?? [])],
    ),
  );
  const touched = await readTouchableUsage(
    db,
    billing.period,
    tenants.filter(({ adjusted }) => adjusted !== null),
  );
  const composed = previewed.map(({ tenant, touching, inputs }) => {
    const { currency } = tenant;
    return {
      tenant,
      composed: compose(() => {
        const deployments = touching.map((each) =>
          billedDeployment({ ...each, currency }, billing),
        );
        const fresh = composeInvoice({ ...inputs, deployments });
        const documents = [tenant.invoiceId ?? '', ...(tenant.adjusted?.rerunIds ?? [])];
        const before = documents.map((id) => standing.get(id) ?? []);
        if (tenant.adjusted === null) return { invoice: fresh, before: before.flat(), note: null };
        const note = composeNote({
          ...inputs,
          before,
          after: fresh.lines,
          soFar: tenant.adjusted,
          touched: touched.get(tenant.tenantId) ?? [],
        });
        return adjust(fresh, before, tenant.adjusted, note);
      }),
    };
  });
  const withoutLines = composed.flatMap(({ tenant, composed }) =>
    tenant.invoiceId === null && 'invoice' in composed && composed.invoice.lines.length === 0
      ? tenant
      : [],
  );
  const withUsage = await findTenantsWithUsage(db, billing.period, withoutLines);
  const differences = isComparing ? await findDifferences(db, billing, previewed) : null;
  const empty = new Set(withoutLines.filter(({ tenantId }) => !withUsage.has(tenantId)));
  return composed.map(({ tenant, composed }) => {
    const different = differences?.get(tenant.tenantId);
    if (different === undefined) return toPreview(tenant, composed, empty.has(tenant), bounds);
    const reason = mismatchReason(different, tenant.currency);
    const found = toPreview(tenant, composed, false, bounds);
    const mismatch = { type: 'control_total_mismatch', reason };
    return { ...found, preview: { parked: mismatch, lines: found.preview.lines } };
  });
}

type Composed =
  | {
      readonly invoice: ComposedInvoice;
      readonly before: readonly PlacedLine[];
      readonly note: ComposedInvoice | null;
    }
  | Parked;

function compose(work: () => Composed): Composed {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { parked: { type: error.code, reason: error.message }, lines: [] };
  }
}

/**
 * Returns what a settled invoice and its notes, with the one that a rerun would issue, would charge together, and what
 * they charge now. Credits are part of the totals, not of the lines.
 */
function adjust(
  fresh: ComposedInvoice,
  documents: readonly (readonly PlacedLine[])[],
  soFar: ChargedSoFar & { readonly totalCents: number },
  note: ComposedInvoice,
): Composed {
  const untaxed = linesInEffect([fresh.lines]);
  const before = linesInEffect(documents);
  const taxableCents = soFar.taxableCents + note.taxableCents;
  const taxCents = soFar.taxCents + note.taxCents;
  const totalCents = soFar.totalCents + note.totalCents;
  const treatment = chargedTreatment(note.tax);
  return {
    invoice: {
      ...{
        taxableCents,
        taxCents,
        totalCents,
        subtotalCents: totalCents - taxCents,
        tax: note.tax,
      },
      lines: numberLines(untaxed, taxLine(taxCents, treatment)),
    },
    before: numberLines(before, taxLine(soFar.taxCents, treatment)),
    note,
  };
}

function toPreview(
  tenant: PreviewedTenant,
  composed: Composed,
  nothingToBill: boolean,
  bounds: Bounds,
): TenantPreview {
  const { tenantId, currency, invoiceId, number, status, adjusted, standingTax: tax } = tenant;
  const totalCents = adjusted?.totalCents ?? tenant.totalCents;
  const last = toLastInvoice(tenant);
  const standing =
    !invoiceId || number === null || status === null || totalCents === null || tax === null
      ? null
      : {
          invoiceId,
          number,
          status,
          isSettled: adjusted !== null,
          totalCents,
          tax,
          changes:
            'invoice' in composed ? compareLines(composed.before, composed.invoice.lines) : [],
          note: 'invoice' in composed ? composed.note : null,
        };
  return {
    tenantId,
    currency,
    preview:
      'invoice' in composed
        ? bound(composed.invoice, currency, nothingToBill, comparedWith({ standing, last }), bounds)
        : composed,
    standing,
    last,
  };
}

/** Returns the invoice whose total a rerun's is compared with (docs/spec.md#safety-bounds). */
export function comparedWith({
  standing,
  last,
}: Pick<TenantPreview, 'standing' | 'last'>): LastInvoice | null {
  return standing === null || standing.status === 'void' ? last : standing;
}

function bound(
  invoice: ComposedInvoice,
  currency: string,
  nothingToBill: boolean,
  last: LastInvoice | null,
  bounds: Bounds,
): TenantPreview['preview'] {
  const { totalCents } = invoice;
  const reason = nothingToBill ? null : beyondBounds({ totalCents, currency }, last, bounds);
  return reason === null
    ? { ...invoice, parked: null, nothingToBill }
    : { parked: { type: 'out_of_bounds', reason }, lines: invoice.lines };
}
