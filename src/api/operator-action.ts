import { onRecord } from '../audit/on-record.ts';
import type { ActionAnswer } from '../db/operator-actions.ts';
import type { Caller } from './auth.ts';
import type { ApiDeps } from './deps.ts';
import { errorForLog } from './error-for-log.ts';
import { PROBLEMS } from './problems.ts';
import type { IncomingCall, OutgoingReply, RouteDefinition } from './route.ts';
import { toProblem } from './to-problem.ts';

/** Whether a call has to go on record: whatever an operator's key changes, or may change. */
export function isOperatorAction<Known extends Pick<Caller, 'scope'>>(
  { method, readOnly = false }: Pick<RouteDefinition, 'method' | 'readOnly'>,
  caller: Known | null,
): caller is Known {
  return method !== 'get' && !readOnly && caller?.scope === 'operator';
}

/**
 * Handles an operator's call on the record.
 * @param call checked: what is on record is what is acted upon
 */
export function recordCall(
  { operationId }: Pick<RouteDefinition, 'operationId'>,
  { params, query, body, caller, requestId }: IncomingCall & { readonly caller: Caller },
  { db, logger }: Pick<ApiDeps, 'db' | 'logger'>,
  run: () => Promise<OutgoingReply>,
): Promise<OutgoingReply> {
  return onRecord(
    db,
    {
      actor: `key:${caller.label}`,
      keyId: caller.keyId,
      channel: 'api',
      action: operationId,
      target: { ...asFields(params), ...asFields(query) },
      input: body,
      requestId,
    },
    run,
    {
      done: ({ status }) => ({ outcome: 'done', status, detail: null }),
      failed: answerOf,
      lost: (actionId, error) =>
        logger.error(
          { actionId, requestId, error: errorForLog(error) },
          "the outcome of an operator's action is not on record",
        ),
    },
  );
}

function answerOf(error: unknown): ActionAnswer {
  const { problem, message } = toProblem(error);
  const { status } = PROBLEMS[problem];
  return { outcome: status < 500 ? 'refused' : 'failed', status, detail: message };
}

function asFields(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
