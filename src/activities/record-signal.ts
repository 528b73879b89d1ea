import type { AcceptRequestInput, AcceptRequestResult } from '../contracts/activities.ts';
import { FORCE_RE_RUN_SIGNAL } from '../contracts/month-end.ts';
import { answerOperatorAction, insertActionOnce } from '../db/month-end/operator-actions.ts';
import type { Transaction } from '../db/pool.ts';
import { isStorable } from '../lib/visible-text.ts';

/** What a signal says of its own origin; null where it says nothing that could be read. */
export interface Claim {
  readonly requestId: string | null;
  readonly actor: string | null;
}

/**
 * The actor of a signal that was sent by hand: Temporal doesn't tell a workflow who sends it a
 * signal, so this is the name that its payload gives, or `temporal:unnamed`.
 */
export function actorOf({ actor }: Claim): string {
  return `temporal:${actor ?? 'unnamed'}`;
}

/**
 * Puts a signal that was sent by hand on record, with what came of it: in the transaction that stores its
 * request, and once, however often the workflow is reset.
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

/** The payload, with its tenants under the name that they have in the record of every other door. */
function toInput(payload: unknown, isForce: boolean): unknown {
  if (!isForce || typeof payload !== 'object' || payload === null) return payload;
  const { tenantIds, ...rest } = payload as Readonly<Record<string, unknown>>;
  return tenantIds === undefined ? payload : { tenant_ids: tenantIds, ...rest };
}

function detailOf(result: AcceptRequestResult): string | null {
  const said = result.accepted ? result.refusals.join('; ') : result.reason;
  // A refusal may quote what was sent.
  const storable = isStorable(said) ? said : JSON.stringify(said.toWellFormed()).slice(1, -1);
  return storable === '' ? null : storable;
}
