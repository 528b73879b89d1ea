import { z } from 'zod';
import { isServed } from '../db/month-end/month-end-status.ts';
import type { Database } from '../db/pool.ts';
import { loadCalendar } from '../db/settings/load-calendar.ts';
import { USAGE_STATE_NAMES, type UsageState } from '../db/month-end/reconciliation.ts';
import { listPendingExclusions, type PendingExclusions } from '../db/usage/usage-exclusions.ts';
import { listUsagePlaces, type UsagePlace } from '../db/month-end/usage-places.ts';
import { NO_BOUNDS, beyondBounds, type Bounds } from '../domain/bounds.ts';
import { DomainError } from '../domain/errors.ts';
import { chargedTreatment, invoiceTotals } from '../domain/invoice-totals.ts';
import { llmUsageLine } from '../domain/llm-lines.ts';
import type { Month } from '../domain/period.ts';
import { comparedWith, previewMonth, type TenantPreview } from './preview.ts';
import { REMEDIES, remedyFor } from './usage-remedies.ts';

/** The maximum number of listed entries; the reconciliation counts all usage. */
export const MAX_LATE_ENTRIES = 200;
/** The maximum number of usage rows that are read for the entries. */
const MAX_PLACES = 10_000;

/**
 * States of usage that no ordinary run of the month bills, most urgent first. Usage that an operator excluded is not
 * listed, because it is on record with a reason.
 */
const LISTED_STATES = [
  'needs_re_run',
  'tenant_not_due',
  'no_subscription',
  'in_draft',
  'not_yet_invoiced',
  'unpriced_kind',
  'voided',
  'next_invoice',
] as const satisfies readonly UsageState[];
type ListedState = (typeof LISTED_STATES)[number];

export const lateUsageSchema = z.object({
  tenant_id: z.string(),
  name: z.string(),
  currency: z.string(),
  reason: z
    .enum(LISTED_STATES)
    .describe('Why no ordinary run of the month bills it: its state in the reconciliation.'),
  invoice: z.string().nullable().describe('The number of the live invoice, if there is one.'),
  action: z.enum(REMEDIES).describe('none: a later run bills it.'),
  what_to_do: z.string().describe('The action, in a sentence.'),
  command: z
    .string()
    .nullable()
    .describe('Bills it once what_to_do is done. Null: no command is needed.'),
  would_add_cents: z
    .int()
    .nullable()
    .describe(
      'The amount that billing it adds, including GST: on a revision, or on an adjustment note if the invoice is ' +
        'settled. Null: it could not be computed.',
    ),
  problem: z
    .string()
    .nullable()
    .describe('Why the amount could not be computed, or only part of it.'),
  late: z.array(
    z.object({
      deployment_id: z.string(),
      resource_kind: z.string(),
      state: z.enum(USAGE_STATE_NAMES),
      events: z.string(),
      total: z.string().describe('Exact cents of LLM usage, the quantity of metered usage.'),
    }),
  ),
  excluded_events: z
    .int()
    .describe('Events excluded since the invoice was issued, which still bills them.'),
});
/** A tenant's unbilled usage of a month that shares one reason, and what bills it. */
export type LateUsage = z.infer<typeof lateUsageSchema>;

/** A tenant's usage for one reason, before amounts are computed. */
interface Entry extends Pick<LateUsage, 'tenant_id' | 'name' | 'currency' | 'excluded_events'> {
  readonly reason: ListedState;
  /** The number of the live invoice. */
  readonly invoice: string | null;
  readonly isSettled: boolean;
  /** The month of the void invoice that holds the usage, if it isn't the usage's own: late LLM usage. */
  readonly otherMonth: Month | null;
  readonly places: readonly UsagePlace[];
}

/**
 * Lists, by tenant and reason, the month's usage that no ordinary run bills, and invoices that bill events
 * excluded since they were issued. Each entry has the amount and the action. Returns the first 200 entries,
 * most urgent first.
 * @param bounds the safety bounds that a rerun's total is checked against
 * @param tenantId only this tenant's usage; by default that of all tenants
 * @throws DomainError `invalid_month`
 */
export async function listLateUsage(
  db: Database,
  month: Month,
  { bounds, tenantId = null }: { readonly bounds: Bounds; readonly tenantId?: string | null },
): Promise<readonly LateUsage[]> {
  const period = (await loadCalendar(db)).periodOf(month);
  const isClosed = await isServed(db, month);
  // If the month isn't closed yet, its run will bill usage that is not invoiced.
  const states = LISTED_STATES.filter((state) => isClosed || state !== 'not_yet_invoiced');
  const places = await listUsagePlaces(db, period, states, MAX_PLACES, tenantId);
  const excluded = await listPendingExclusions(db, period, MAX_LATE_ENTRIES, tenantId);
  const entries = toEntries(month, places, excluded).slice(0, MAX_LATE_ENTRIES);
  const previews = new Map<string, TenantPreview>();
  const tenantIds = entries.filter(isOfInvoice).map(({ tenant_id }) => tenant_id);
  if (tenantIds.length > 0) {
    await previewMonth(db, month, {
      tenantIds: [...new Set(tenantIds)],
      bounds: NO_BOUNDS,
      onTenant: (preview) => previews.set(preview.tenantId, preview),
    });
  }
  return entries.map((entry) => toLateUsage(month, entry, previews.get(entry.tenant_id), bounds));
}

/** Returns whether the month's invoice determines the amount; otherwise the usage is summed on its own. */
function isOfInvoice({ reason, otherMonth }: Entry): boolean {
  return otherMonth === null && ['needs_re_run', 'voided', 'not_yet_invoiced'].includes(reason);
}

/** Returns the entries in the order of the list. */
function toEntries(
  month: Month,
  places: readonly UsagePlace[],
  excluded: readonly PendingExclusions[],
): readonly Entry[] {
  const isOfOther = ({ state, draft_month }: UsagePlace) =>
    state === 'voided' && ![null, month].includes(draft_month);
  /** Tenants whose month needs a rerun, and why. */
  const reRun = new Map<string, ListedState>([
    ...places.flatMap((place) =>
      place.state === 'needs_re_run' || (place.state === 'voided' && !isOfOther(place))
        ? [[place.tenant_id, place.state] as const]
        : [],
    ),
    ...excluded.map(({ tenant_id }) => [tenant_id, 'needs_re_run'] as const),
  ]);
  const entries = new Map<string, Entry>();
  const keyOf = (reason: ListedState, tenantId: string, otherMonth: Month | null = null) =>
    `${LISTED_STATES.indexOf(reason)} ${tenantId} ${otherMonth ?? ''}`;
  for (const { tenant_id, name, currency, events, number, is_settled: isSettled } of excluded) {
    const reason: ListedState = 'needs_re_run';
    const entry = { tenant_id, name, currency, reason, invoice: number, isSettled };
    const nothingElse = { otherMonth: null, places: [], excluded_events: events };
    entries.set(keyOf(reason, tenant_id), { ...entry, ...nothingElse });
  }
  for (const place of places) {
    const { tenant_id, name, currency, invoice, is_settled: isSettled } = place;
    const state = place.state as ListedState;
    // A rerun also bills LLM usage that would otherwise go on the next invoice.
    const reason = (state === 'next_invoice' ? reRun.get(tenant_id) : undefined) ?? state;
    const otherMonth = isOfOther(place) ? place.draft_month : null;
    const key = keyOf(reason, tenant_id, otherMonth);
    const terms = { tenant_id, name, currency, reason, invoice, isSettled, otherMonth };
    const known = entries.get(key) ?? { ...terms, excluded_events: 0, places: [] };
    entries.set(key, { ...known, places: [...known.places, place] });
  }
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

function toLateUsage(
  month: Month,
  entry: Entry,
  preview: TenantPreview | undefined,
  bounds: Bounds,
): LateUsage {
  const { tenant_id: tenantId, reason, invoice, isSettled, places } = entry;
  const [first] = places;
  const amount = preview && isOfInvoice(entry) ? difference(preview) : ownSum(month, places);
  const isBeyondBounds =
    amount.totalCents !== null &&
    preview?.standing != null &&
    beyondBounds(
      { totalCents: amount.totalCents, currency: entry.currency },
      comparedWith(preview),
      bounds,
    ) !== null;
  return {
    tenant_id: tenantId,
    name: entry.name,
    currency: entry.currency,
    reason,
    invoice,
    ...remedyFor({
      month,
      tenantId,
      reason,
      isSettled,
      deploymentIds: [...new Set(places.map(({ deployment_id }) => deployment_id))],
      kinds: [...new Set(places.map(({ resource_kind }) => resource_kind))],
      draft: first?.draft_month
        ? { month: first.draft_month, isRevision: first.is_revision }
        : null,
      isBeyondBounds,
    }),
    would_add_cents: amount.addedCents,
    problem: amount.problem,
    late: places.map(({ deployment_id, resource_kind, state, events, total }) => ({
      deployment_id,
      resource_kind,
      state,
      events,
      total,
    })),
    excluded_events: entry.excluded_events,
  };
}

interface Amount {
  /** The amount that billing the usage adds; null: it could not be computed. */
  readonly addedCents: number | null;
  /** The total of the month's invoice after that. */
  readonly totalCents: number | null;
  readonly problem: string | null;
}

/** Returns what a run would add to what the tenant has been charged for the month. */
function difference({ preview, standing }: TenantPreview): Amount {
  if (preview.parked !== null) {
    return { addedCents: null, totalCents: null, problem: preview.parked.reason };
  }
  const { totalCents } = preview;
  const charged = standing === null || standing.status === 'void' ? 0 : standing.totalCents;
  return { addedCents: totalCents - charged, totalCents, problem: null };
}

/**
 * Returns the amount of the LLM usage on its own, with tax. Metered usage has no amount without a
 * subscription's plan.
 */
function ownSum(month: Month, places: readonly UsagePlace[]): Amount {
  const llm = places.filter(({ source }) => source === 'llm');
  const isAll = llm.length === places.length;
  const problem = isAll ? null : 'without a plan that prices it, metered usage has no amount';
  const [first] = llm;
  if (first === undefined) return { addedCents: null, totalCents: null, problem };
  try {
    const amounts = llm.map(
      ({ deployment_id: deploymentId, events, total }) =>
        llmUsageLine({
          deploymentId,
          requestCount: events,
          exactCents: total,
          serviceMonth: month,
          invoiceMonth: month,
        }).amountCents,
    );
    const { totalCents: addedCents } = invoiceTotals(amounts, chargedTreatment(first.tax));
    return { addedCents, totalCents: null, problem };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { addedCents: null, totalCents: null, problem: error.message };
  }
}
