import { z } from 'zod';
import type { Database } from '../db/pool.ts';
import { listPendingExclusions } from '../db/usage-exclusions.ts';
import { listUsagePlaces } from '../db/usage-places.ts';
import { periodOf, type Month } from '../domain/period.ts';
import { previewMonth, type TenantPreview } from './preview.ts';

/** Tenants that are told; the reconciliation counts them all. */
const MAX_TENANTS = 200;
/** Rows of usage that are looked at for them. */
const MAX_PLACES = 10_000;

export const lateTenantSchema = z.object({
  tenant_id: z.string(),
  invoice: z.string().describe('The number of the invoice that stands.'),
  action: z
    .enum(['re_run', 'settle_by_hand'])
    .describe('settle_by_hand: the invoice is paid or void, and never rebuilt.'),
  currency: z.string().nullable().describe('Of the amount; null with it.'),
  would_add_cents: z
    .int()
    .nullable()
    .describe(
      'What a re-run would add to the total, GST included. Null: it could not be computed.',
    ),
  problem: z.string().nullable().describe('Why it could not.'),
  late: z.array(
    z.object({
      deployment_id: z.string(),
      resource_kind: z.string(),
      events: z.string(),
      total: z.string(),
    }),
  ),
  excluded_events: z
    .int()
    .describe('Events excluded since the invoice was issued, which still bills them.'),
});
/** A tenant whose invoice would come out differently, and by how much. */
export type LateTenant = z.infer<typeof lateTenantSchema>;

/**
 * Who has metered usage that came after the month was invoiced, or exclusions that its invoice
 * doesn't know of; with the amount that a re-run would add. Nothing of it changes an issued invoice
 * by itself. The first 200 tenants.
 * @throws DomainError `invalid_month`
 */
export async function listLateUsage(db: Database, month: Month): Promise<readonly LateTenant[]> {
  const period = periodOf(month);
  const places = await listUsagePlaces(db, period, ['needs_re_run', 'settle_by_hand'], MAX_PLACES);
  const exclusions = await listPendingExclusions(db, period, MAX_TENANTS);
  const byTenant = Map.groupBy(places, ({ tenant_id }) => tenant_id);
  const excluded = new Map(exclusions.map(({ tenantId, events }) => [tenantId, events]));
  const tenantIds = [...new Set([...byTenant.keys(), ...excluded.keys()])]
    .sort()
    .slice(0, MAX_TENANTS);
  if (tenantIds.length === 0) return [];
  const previews = new Map<string, TenantPreview>();
  await previewMonth(db, month, {
    tenantIds,
    boundsMaxRatio: null,
    onTenant: (preview) => previews.set(preview.tenantId, preview),
  });
  return tenantIds.flatMap((tenantId) => {
    const preview = previews.get(tenantId);
    const late = byTenant.get(tenantId) ?? [];
    return {
      tenant_id: tenantId,
      invoice: preview?.standing?.number ?? late[0]?.invoice ?? '',
      action:
        preview?.standing?.status === 'issued' ? ('re_run' as const) : ('settle_by_hand' as const),
      ...difference(preview),
      late: late.map(({ deployment_id, resource_kind, events, total }) => ({
        deployment_id,
        resource_kind,
        events,
        total,
      })),
      excluded_events: excluded.get(tenantId) ?? 0,
    };
  });
}

function difference(preview: TenantPreview | undefined) {
  if (!preview?.standing) {
    return {
      currency: null,
      would_add_cents: null,
      problem: 'the tenant is no longer due for this month',
    };
  }
  if (preview.preview.parked !== null) {
    return { currency: null, would_add_cents: null, problem: preview.preview.parked.reason };
  }
  const { totalCents } = preview.preview;
  return {
    currency: preview.currency,
    would_add_cents: totalCents - preview.standing.totalCents,
    problem: null,
  };
}
