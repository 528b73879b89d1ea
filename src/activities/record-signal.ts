import type { AcceptRequestInput, AcceptRequestResult } from '../contracts/activity-types.ts';
import { FORCE_RE_RUN_SIGNAL } from '../contracts/month-end-types.ts';
import { answerOperatorAction, insertActionOnce } from '../db/month-end/operator-actions.ts';
import type { Transaction } from '../db/pool.ts';
import { isStorable } from '../lib/visible-text.ts';

/** What a signal claims about its origin; null if its payload is invalid or does not say. */
export interface Claim {
  readonly requestId: string | null;
  readonly actor: string | null;
}

/**
 * The actor of a signal that was sent by hand: the name in its payload, or `temporal:unnamed`. Temporal doesn't tell a
 * workflow who sent a signal.
 */
export function actorOf({ actor }: Claim): string {
  return `temporal:${actor ?? 'unnamed'}`;
}

/**
 * Records a signal that was sent by hand, with its outcome, in the transaction that stores its request. Records it once,
 * however often the workflow is reset.
 */
export async function recordSignal(
  tx: Transaction,
  { month, signal, signalId, payload }: AcceptRequestInput,
  claim: Claim,
  result: AcceptRequestResult,
): Promise<void> {
  const isStart = signalId.startsWith('start:');
  const actionId = await insertActionOnce(tx, {
    actor: actorOf(claim),
    keyId: null,
    channel: 'temporal',
    action: isStart ? 'start' : signal,
    target: { month, ...(claim.requestId !== null && { request_id: claim.requestId }) },
    input: toInput(payload, signal === FORCE_RE_RUN_SIGNAL),
    requestId: signalId,
  });
  if (actionId === null) return;
  await answerOperatorAction(tx, actionId, {
    outcome: result.accepted ? 'done' : 'refused',
    status: result.accepted ? 0 : 1,
    detail: detailOf(result),
  });
}

/** The payload with `tenant_ids`, the name that the records of the API and the CLI use. */
function toInput(payload: unknown, isForce: boolean): unknown {
  if (!isForce || typeof payload !== 'object' || payload === null) return payload;
  const { tenantIds, ...rest } = payload as Readonly<Record<string, unknown>>;
  return tenantIds === undefined ? payload : { tenant_ids: tenantIds, ...rest };
}

function detailOf(result: AcceptRequestResult): string | null {
  const said = result.accepted ? result.refusals.join('; ') : result.reason;
  // A refusal may quote a payload that PostgreSQL can't store.
  const storable = isStorable(said) ? said : JSON.stringify(said.toWellFormed()).slice(1, -1);
  return storable === '' ? null : storable;
}
