import { hash } from 'node:crypto';
import type { AcceptRequestInput, AcceptRequestResult } from '../contracts/activity-types.ts';
import { releasePayload } from '../contracts/request-payload.ts';
import { isServed, releaseInvoices, type ReleaseResult } from '../db/invoices/release.ts';
import type { Database } from '../db/pool.ts';
import { requirePeriod } from './activity-failures.ts';
import { serveOnRecord, type Claim } from './record-signal.ts';
import { idOfSignal, parsePayload, refuse, shortened } from './signal-payload.ts';

/**
 * Serves the signal `release`: releases invoices to their tenants, in the transaction that records the signal. After a
 * reset the same signal releases nothing again, also if further invoices wait by then. The API and the CLI release
 * without a signal, and send it afterwards so that the month's details show how many invoices still wait.
 */
export async function acceptRelease(
  db: Database,
  input: AcceptRequestInput,
): Promise<AcceptRequestResult> {
  const period = await requirePeriod(db, input.month);
  const parsed = parsePayload(releasePayload, input.payload);
  const data = 'data' in parsed ? parsed.data : null;
  const claim: Claim = { requestId: data?.requestId ?? null, actor: data?.actor ?? null };
  return serveOnRecord(db, input, claim, async (tx, actor) => {
    if ('reason' in parsed) return refuse(parsed.reason);
    const { tenantIds, reason } = parsed.data;
    const requestId = parsed.data.requestId ?? idOfSignal(input.signalId, hashOf(input.payload));
    const isRepeated = await isServed(tx, period, requestId);
    const result = await releaseInvoices(tx, period, {
      ...(tenantIds === undefined ? ({ all: true } as const) : { tenantIds }),
      actor,
      reason,
      requestId,
    });
    // What API and CLI announce was always served before, and has released something.
    const isInVain =
      isRepeated && (parsed.data.requestId === undefined || result.released.length === 0);
    return {
      accepted: true,
      requestId,
      waiting: false,
      urgentTenantIds: [],
      refusals: shortened(isInVain ? [SERVED_BEFORE] : explain(result), requestId),
      unreleased: result.waiting,
    };
  });
}

function hashOf(payload: unknown): string {
  return hash('sha256', JSON.stringify(payload));
}

/** Shown after a reset, so that operators know that the signal had no effect again. */
const SERVED_BEFORE =
  'nothing to do: this release was already served. A reset re-applies signals; send it again to release what waits now';

/** What the operator may not expect; what was released shows by what still waits. */
function explain({ released, alreadyReleased, notReleased }: ReleaseResult): readonly string[] {
  return [
    ...(released.length + alreadyReleased.length + notReleased.length === 0
      ? ['no invoice waits for release']
      : []),
    ...alreadyReleased.map((tenantId) => `tenant ${tenantId} was released before`),
    ...notReleased.map(({ reason }) => reason),
  ];
}
