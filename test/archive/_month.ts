import { DEFAULT_BOUNDS } from '../../src/domain/bounds.ts';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { streamUsageCsv } from '../../src/audit/usage-csv.ts';
import { verifyMonth } from '../../src/audit/verify.ts';
import {
  listEventsBehind,
  readLineUsage,
  type EventBehindLine,
  type LineUsage,
} from '../../src/db/usage/provenance.ts';
import type { Database, Queryable } from '../../src/db/pool.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { createIngestion } from '../../src/ingestion/ingestion.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { invoicesOf, linesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import type { LedgerWorld } from '../_util/ledger-world.ts';
import { seedCatalogue, seedTenant } from '../_util/seed.ts';

/** Old enough to be archived and to expire, whatever the clock says. */
export const OLD_MONTH = '2020-05';
const TENANTS = ['acme', 'beta'];

export interface SentUsage {
  readonly llm: readonly Readonly<Record<string, string>>[];
  readonly metered: readonly Readonly<Record<string, string>>[];
}

/** What senders send for the month, in order, including corrections and a correction of a correction. */
function usageOf(tenantId: string): SentUsage {
  const of = (deployment: string, day: number) => ({
    tenant_id: tenantId,
    deployment_id: `${tenantId}-${deployment}`,
    occurred_at: `${OLD_MONTH}-${String(day).padStart(2, '0')}T12:00:00Z`,
  });
  const llm = Array.from({ length: 9 }, (_, n) => ({
    ...of(n % 2 === 0 ? 'a' : 'b', n + 1),
    gateway_request_id: `${tenantId}-llm-${n}`,
    model: 'm',
    charge_cents: `${n}.0000000001`,
  }));
  const record = (id: string, qty: string, replaces?: string) => ({
    ...of('a', 20),
    record_id: `${tenantId}-${id}`,
    resource_kind: 'droplet_hours',
    qty,
    ...(replaces && { replaces: `${tenantId}-${replaces}` }),
  });
  const metered = [
    record('m1', '800.5'),
    record('m2', '100'),
    record('m2-again', '90', 'm2'),
    record('m2-at-last', '95', 'm2-again'),
  ];
  return { llm, metered };
}

/** Late usage, which opens new buckets and corrects sealed records. */
function lateUsageOf(tenantId: string): SentUsage {
  const late = {
    tenant_id: tenantId,
    deployment_id: `${tenantId}-a`,
    occurred_at: `${OLD_MONTH}-31T23:59:59Z`,
  };
  return {
    llm: [{ ...late, gateway_request_id: `${tenantId}-late`, model: 'm', charge_cents: '2.5' }],
    metered: [
      {
        ...late,
        record_id: `${tenantId}-m1-late`,
        resource_kind: 'droplet_hours',
        qty: '900',
        replaces: `${tenantId}-m1`,
      },
    ],
  };
}

/** Everything that was sent for the month. */
export const SENT: SentUsage = merge(
  TENANTS.flatMap((tenant) => [usageOf(tenant), lateUsageOf(tenant)]),
);

function merge(parts: readonly SentUsage[]): SentUsage {
  return {
    llm: parts.flatMap(({ llm }) => llm),
    metered: parts.flatMap(({ metered }) => metered),
  };
}

/** How often each status was answered. */
export async function send(db: Database, usage: SentUsage) {
  const ingestion = createIngestion({ db, now: () => new Date(), timeBounds: ANY_TIME });
  try {
    const llm = await ingestion.ingest('llm', usage.llm);
    const metered = await ingestion.ingest('metered', usage.metered);
    return [...llm, ...metered];
  } finally {
    await ingestion.close();
  }
}

/** A closed month with invoices, a revision, late usage and an excluded event. */
export async function closeOldMonth({ db, activities }: LedgerWorld): Promise<void> {
  await seedCatalogue(db);
  for (const tenantId of TENANTS) {
    const startsAt = '2019-01-01T00:00:00Z';
    const deployments = ['a', 'b'].map((name) => ({
      deploymentId: `${tenantId}-${name}`,
      startsAt,
    }));
    await seedTenant(db, tenantId, deployments);
  }
  const month = OLD_MONTH;
  await send(db, merge(TENANTS.map(usageOf)));
  const exclusion = { source: 'llm', eventId: 'acme-llm-8', actor: 'olga', reason: 'x' } as const;
  await excludeEvent(db, exclusion);
  await buildInvoices({ activities }, TENANTS, { month });
  await send(db, merge(TENANTS.map(lateUsageOf)));
  await forceInvoices({ activities }, ['acme'], {}, month);
  await serveRequests({ activities }, month);
}

/** Ends a pass, which closes the requests for a month. */
export async function serveRequests(
  { activities }: Pick<LedgerWorld, 'activities'>,
  month: string,
): Promise<void> {
  const pass = await activities.beginPass({ month });
  await activities.finishPass({ month, upToSeq: pass?.upToSeq ?? 0 });
}

/** Everything that readers see of a month's usage. */
export async function readEverything(db: Database, month = OLD_MONTH) {
  const previews: TenantPreview[] = [];
  const onTenant = (preview: TenantPreview) => void previews.push(preview);
  await previewMonth(db, month, { bounds: DEFAULT_BOUNDS, tenantIds: null, onTenant });
  return { verification: await verifyMonth(db, month), previews, lines: await usageOfLines(db) };
}

async function usageOfLines(db: Queryable) {
  const lines: { line: LineUsage; events: readonly EventBehindLine[]; csv: string }[] = [];
  for (const { invoiceId } of await invoicesOf(db)) {
    for (const { lineNo } of await linesOf(db, invoiceId)) {
      const line = await readLineUsage(db, invoiceId, lineNo);
      if (line === null) continue;
      const page = await listEventsBehind(db, invoiceId, lineNo, { after: null, limit: 2 });
      const after = page.at(-1)?.event_id ?? null;
      const next = await listEventsBehind(db, invoiceId, lineNo, { after, limit: 100 });
      const csv = await Array.fromAsync(streamUsageCsv(db, invoiceId, lineNo));
      lines.push({ line, events: [...page, ...next], csv: csv.join('') });
    }
  }
  return lines;
}
