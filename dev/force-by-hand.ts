import type { Client } from '@temporalio/client';
import type { PrintableInvoice } from '../src/cli/render/invoice.ts';
import { monthEndId } from '../src/contracts/ids.ts';
import { FORCE_RE_RUN_SIGNAL } from '../src/contracts/month-end.ts';
import type { Month } from '../src/domain/period.ts';
import { until } from './close-month.ts';
import { expectEqual } from './demo-checks.ts';
import type { OperatorApi } from './operator-api.ts';

const FORCE_TIMEOUT_MS = 60_000;

/**
 * Forces a tenant's re-run as an operator does from the Web UI: by the bare signal, with no more
 * than the operator would type.
 * @returns the old revision and the new one
 */
export async function forceByHand(
  client: Client,
  api: OperatorApi,
  asked: {
    readonly month: Month;
    readonly tenantId: string;
    readonly reason: string;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly before: PrintableInvoice; readonly after: PrintableInvoice }> {
  const { month, tenantId, reason, signal } = asked;
  const standing = async () =>
    (await api.invoices(month)).find(({ tenant_id }) => tenant_id === tenantId);
  const old = await standing();
  if (!old) throw new Error(`${tenantId} has no invoice for ${month}`);
  await client.workflow
    .getHandle(monthEndId(month))
    .signal(FORCE_RE_RUN_SIGNAL, { tenantIds: [tenantId], reason });
  const now = await until(FORCE_TIMEOUT_MS, 'No new revision came', signal, async () => {
    const current = await standing();
    return current?.invoice_id === old.invoice_id ? undefined : current;
  });
  const [before, after] = await Promise.all([
    api.invoice(old.invoice_id),
    api.invoice(now.invoice_id),
  ]);
  expectEqual('The old revision', before.status, 'superseded');
  expectEqual('The new revision', after.revision, before.revision + 1);
  expectEqual('What the new revision replaces', after.replaces_invoice_id, before.invoice_id);
  return { before, after };
}
