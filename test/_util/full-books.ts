import { recordItems } from '../../src/catalogue/record-items.ts';
import { inExportTurn, recordExport } from '../../src/db/invoices/book-exports.ts';
import { skipNumbers } from '../../src/db/invoices/invoice-numbers.ts';
import { createKey } from '../../src/db/access/api-keys.ts';
import { insertBuyers } from '../../src/db/catalogue/buyer-details.ts';
import { readSeller } from '../../src/db/catalogue/seller-details.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { insertOperatorAction } from '../../src/db/month-end/operator-actions.ts';
import type { Database } from '../../src/db/pool.ts';
import { insertSigningSecret } from '../../src/db/access/signing-secrets.ts';
import { insertAssignments } from '../../src/db/tax/tax-data.ts';
import { setThreshold } from '../../src/db/usage/spend-thresholds.ts';
import { noticeThresholds } from '../../src/db/webhooks/threshold-notices.ts';
import { claimDeliveries, recordAttempts } from '../../src/db/webhooks/webhook-deliveries.ts';
import {
  createWebhookEndpoint,
  disableWebhookEndpoint,
} from '../../src/db/webhooks/webhook-endpoints.ts';
import { hold } from '../../src/ingestion/quarantine/hold.ts';
import { acceptControlTotals } from '../../src/db/usage/accept-control-totals.ts';
import { loadCalendar } from '../../src/db/settings/load-calendar.ts';
import { recordControlTotals } from '../../src/ingestion/record-control-totals.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { sql } from '../../src/db/sql.ts';
import { invoicesOf } from './books.ts';
import { buildInvoices, forceInvoices } from './build.ts';
import { pay } from './payments.ts';
import { MONTH, seedSeller, seedTenant, seedUsage } from './seed.ts';
import { periodOf } from './utc.ts';
import type { World } from './world.ts';

const CLAIM = { limit: 100, leaseSeconds: 60 };

export interface FullBooks {
  /** A tenant's key. */
  readonly plainKey: string;
  /** The first invoice, and the revision that replaced it. */
  readonly superseded: string;
  readonly revised: string;
}

/** A tenant with rows in every table that has tenants' rows. The catalogue must be there. */
export async function fillBooks(
  db: Database,
  world: Pick<World, 'activities'>,
  tenantId: string,
): Promise<FullBooks> {
  const deploymentId = `${tenantId}-a`;
  const { endpointId } = await createWebhookEndpoint(db, {
    url: 'https://receiver.example/hooks',
    label: tenantId,
    eventTypes: ['invoice.issued', 'invoice.superseded'],
  });
  const addon = { code: 'hours', resourceKind: 'droplet_hours', qty: '10', priceCents: 5 };
  await seedTenant(db, tenantId, [{ deploymentId, addons: [addon] }]);
  const buyer = { legal_name: tenantId, abn: null, address: null, contact: null, email: null };
  const taxed = { tenantId, from: '2026-01', entry: 1, treatment: 'gst' };
  await db.transaction(async (tx) => {
    await insertBuyers(tx, [{ tenantId, version: 1, details: buyer }]);
    await insertAssignments(tx, [taxed]);
  });
  const use = (kind: string, amount: string) =>
    seedUsage(db, { tenantId, deploymentId, kind, amount });
  const actor = 'test';

  await buildInvoices(world, [tenantId], { month: '2026-02' });
  await buildInvoices(world, [tenantId], { month: '2026-04' });
  const [february, april] = await invoicesOf(db, tenantId);
  const voided = { invoiceId: february!.invoiceId, actor, reason: 'x' };
  await voidInvoice(db, voided);
  await pay(db, april!.number, 100);
  await db.query(sql.typeAlias('nothing')`
    INSERT INTO overdue_notices (invoice_id, due_on) VALUES (${april!.invoiceId}, '2026-05-15')`);

  const item = { item_id: `${tenantId}-item`, tenant_id: tenantId, month: '2026-12' };
  await recordItems(db, [{ ...item, description: 'Workshop', amount_cents: 25_000 }], actor);

  const total = { tenant_id: tenantId, deployment_id: deploymentId, day: `${MONTH}-15` };
  const stating = { actor, now: () => new Date() };
  await recordControlTotals(db, [{ ...total, requests: 9, charge_cents: '9' }], stating);
  const difference = { month: MONTH, tenantId, actor, reason: 'x' };
  await acceptControlTotals(db, await loadCalendar(db), difference);
  const threshold = {
    ...{ tenantId, thresholdId: 'warning' },
    limit: { amountCents: 5000, percentOfPlan: null },
  };
  await setThreshold(db, { ...threshold, actor });
  await noticeThresholds(db, periodOf(MONTH), [
    { ...threshold, thresholdCents: 5000, reachedCents: 5100 },
  ]);

  await use('llm_usage', '1.5');
  await use('droplet_hours', '800');
  const eventId = await use('llm_usage', '20');
  await excludeEvent(db, { source: 'llm', eventId, actor, reason: 'a mistake' });
  await buildInvoices(world, [tenantId]);
  await use('droplet_hours', '100');
  await forceInvoices(world, [tenantId]);

  if ((await readSeller(db)) === null) await seedSeller(db);
  await inExportTurn(db, (tx) => recordExport(tx, MONTH, { actor, sellerVersion: 1 }));

  const held = { sourceId: `${tenantId}-held`, reason: 'malformed', detail: 'x' } as const;
  await hold(db, null, [{ ...held, fields: { tenant_id: tenantId } }]);

  await buildInvoices(world, [tenantId], { month: '2026-03', stopAfter: 'quoteSubscriptions' });

  for (const { eventId, attempt } of await claimDeliveries(db, endpointId, CLAIM)) {
    const attempted = { eventId, attempt, attemptedAt: new Date().toISOString(), durationMs: 1 };
    const answer = { outcome: 'delivered', status: 204, error: null, response: '' } as const;
    await recordAttempts(db, endpointId, [{ ...attempted, ...answer, retryInMs: null }]);
  }
  // Its own events alone: those of the next tenant are for that one's endpoint.
  await disableWebhookEndpoint(db, endpointId, 'a test');

  const { plainKey } = await createKey(db, { label: tenantId, scope: 'tenant', tenantId });
  // No tenant's key signs or acts as an operator: here only the rows matter.
  const { keyId } = await createKey(db, { label: 'for its rows', scope: 'tenant', tenantId });
  await insertSigningSecret(db, keyId);
  await insertOperatorAction(db, {
    actor: `key:${tenantId}`,
    keyId,
    channel: 'api',
    action: 'test',
    target: {},
    input: null,
    requestId: null,
  });
  const invoices = await invoicesOf(db, tenantId);
  const next = { tenantId, kind: 'invoice', seq: invoices.length + 1 } as const;
  await db.transaction((tx) => skipNumbers(tx, [next], { actor, reason: 'a test' }));
  const [, , superseded, revised] = invoices;
  return { plainKey, superseded: superseded!.invoiceId, revised: revised!.invoiceId };
}
