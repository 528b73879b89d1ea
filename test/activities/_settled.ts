import { invoicesOf, type Invoice } from '../_util/books.ts';
import { buildInvoices, settleInvoice } from '../_util/build.ts';
import type { LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedTenant, seedUsage } from '../_util/seed.ts';

let lastTenant = 0;

/** A tenant with one deployment, under an id of its own. */
export async function newTenant(
  { db }: LedgerWorld,
  planVersionId = 'studio-v1',
  currency = 'AUD',
): Promise<string> {
  const tenantId = newTenantId();
  await seedTenant(db, tenantId, [{ deploymentId: `${tenantId}-a`, planVersionId }], currency);
  return tenantId;
}

export function newTenantId(): string {
  return `note-${(lastTenant += 1)}`;
}

/** Usage of the tenant's deployment. @returns the event's id */
export function use(
  { db }: LedgerWorld,
  tenantId: string,
  kind: string,
  amount: string,
  month = MONTH,
): Promise<string> {
  return seedUsage(db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });
}

export interface SettledTenant {
  readonly tenantId: string;
  /** The ids of the LLM requests on the invoice. */
  readonly events: readonly string[];
  readonly invoice: Invoice;
}

/** A tenant whose invoice, of these LLM requests, is settled. */
export async function settledTenant(
  world: LedgerWorld,
  charges: readonly string[] = ['100', '23.4'],
  planVersionId?: string,
): Promise<SettledTenant> {
  const tenantId = await newTenant(world, planVersionId);
  const events: string[] = [];
  for (const cents of charges) events.push(await use(world, tenantId, 'llm_usage', cents));
  await buildInvoices(world, [tenantId]);
  const [invoice] = await invoicesOf(world.db, tenantId);
  await settleInvoice(world, invoice!);
  return { tenantId, events, invoice: (await invoicesOf(world.db, tenantId))[0]! };
}
