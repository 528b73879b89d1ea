import type { AcceptRequestInput, AcceptRequestResult } from '../contracts/activity-types.ts';
import { RUN_SIGNAL, type RequestSignal } from '../contracts/month-end-types.ts';
import {
  answerOperatorAction,
  insertActionOnce,
  isAnnounced,
} from '../db/month-end/operator-actions.ts';
import type { Database, Queryable, Transaction } from '../db/pool.ts';
import { isDatabaseUnavailable } from '../db/unavailable.ts';
import { isStorable } from '../lib/visible-text.ts';
import { reasonOf } from './activity-failures.ts';
import { refuse } from './signal-payload.ts';

/** What a signal claims about its origin; null if its payload is invalid or does not say. */
export interface Claim {
  readonly requestId: string | null;
  readonly actor: string | null;
}

/**
 * Serves a signal and records it with its outcome, in one transaction. The API, the CLI and the Schedule record their
 * signals before they send them; any other signal was sent by hand and is recorded here. A signal that would fail each
 * time is refused, because it must not block the signals behind it.
 * @param serve gets the actor: of a signal that was sent by hand, the name that it claims
 */
export async function serveOnRecord(
  db: Database,
  input: AcceptRequestInput,
  claim: Claim,
  serve: (tx: Transaction, actor: string) => Promise<AcceptRequestResult>,
): Promise<AcceptRequestResult> {
  const byHand = await isByHand(db, input, claim);
  const actor = byHand ? actorOf(claim) : (claim.actor ?? actorOf(claim));
  try {
    return await db.transaction(async (tx) => {
      const result = await serve(tx, actor);
      if (byHand) await recordSignal(tx, input, claim, result);
      return result;
    });
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    const refused = refuse(`the request can't be stored: ${reasonOf(error)}`);
    if (byHand) await db.transaction((tx) => recordSignal(tx, input, claim, refused));
    return refused;
  }
}

/** Whether the signal was sent by Temporal's own means, and so is not on record yet. */
async function isByHand(
  db: Queryable,
  { month }: AcceptRequestInput,
  { requestId, actor }: Claim,
): Promise<boolean> {
  if (requestId === null || actor === null) return true;
  return !(await isAnnounced(db, { month, requestId, actor }));
}

/**
 * The actor of a signal that was sent by hand: the name in its payload, or `temporal:unnamed`. Temporal doesn't tell a
 * workflow who sent a signal.
 */
function actorOf({ actor }: Claim): string {
  return `temporal:${actor ?? 'unnamed'}`;
}

/** Records a signal once, however often the workflow is reset. */
async function recordSignal(
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
    input: toInput(signal, payload),
    requestId: signalId,
  });
  if (actionId === null) return;
  await answerOperatorAction(tx, actionId, {
    outcome: result.accepted ? 'done' : 'refused',
    status: result.accepted ? 0 : 1,
    detail: detailOf(result),
  });
}

/** A signal's payload as it is recorded: with `tenant_ids`, the name that the records of the API and the CLI use. */
function toInput(signal: RequestSignal, payload: unknown): unknown {
  if (signal === RUN_SIGNAL || typeof payload !== 'object' || payload === null) return payload;
  const { tenantIds, ...rest } = payload as Readonly<Record<string, unknown>>;
  return tenantIds === undefined ? payload : { tenant_ids: tenantIds, ...rest };
}

function detailOf(result: AcceptRequestResult): string | null {
  const said = result.accepted ? result.refusals.join('; ') : result.reason;
  // A refusal may quote a payload that PostgreSQL can't store.
  const storable = isStorable(said) ? said : JSON.stringify(said.toWellFormed()).slice(1, -1);
  return storable === '' ? null : storable;
}
