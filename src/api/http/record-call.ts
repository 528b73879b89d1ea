import { onRecord, putOnRecord, type OnLost } from '../../audit/on-record.ts';
import type { ActionAnswer, NewOperatorAction } from '../../db/month-end/operator-actions.ts';
import { errorForLog, type Logger } from '../../lib/logger.ts';
import type { Caller } from './authenticate.ts';
import type { CallDeps } from './api-deps.ts';
import { toProblem } from './to-problem.ts';
import { PROBLEMS } from './problems.ts';
import type { IncomingCall, OutgoingReply, RouteDefinition } from './route-definition.ts';

/** Whether a call must be recorded: every call of an operator key that may change something. */
export function isOperatorAction<Known extends Pick<Caller, 'scope'>>(
  { method, readOnly = false }: Pick<RouteDefinition, 'method' | 'readOnly'>,
  caller: Known | null,
): caller is Known {
  return method !== 'get' && !readOnly && caller?.scope === 'operator';
}

/** The recorded parts of a call. */
type RecordedCall = Pick<IncomingCall, 'params' | 'query' | 'body' | 'requestId'> & {
  readonly caller: Caller;
};
type RecordDeps = Pick<CallDeps, 'db' | 'logger'>;

/**
 * Handles an operator's call: records it before it runs, and its outcome afterwards.
 * @param call validated, so that the record shows exactly what is executed
 */
export function recordCall(
  route: Pick<RouteDefinition, 'operationId'>,
  call: RecordedCall,
  { db, logger }: RecordDeps,
  run: () => Promise<OutgoingReply>,
): Promise<OutgoingReply> {
  return onRecord(db, toAction(route, call), run, {
    done: ({ status }) => ({ outcome: 'done', status, detail: null }),
    failed: answerOf,
    lost: complainTo(logger, call),
  });
}

/**
 * Records a streamed call. Its outcome is recorded at the end, with the last line as the detail.
 * @param lines lazy: the work happens while they are read
 */
export async function recordStream(
  route: Pick<RouteDefinition, 'operationId'>,
  call: Omit<RecordedCall, 'body'>,
  { db, logger }: RecordDeps,
  lines: AsyncIterable<string>,
): Promise<AsyncIterable<string>> {
  const action = toAction(route, { ...call, body: undefined });
  return withOutcome(lines, await putOnRecord(db, action, complainTo(logger, call)));
}

async function* withOutcome(
  lines: AsyncIterable<string>,
  answer: (given: ActionAnswer) => Promise<void>,
): AsyncGenerator<string> {
  let outcome: ActionAnswer = { outcome: 'failed', status: 200, detail: 'the stream was cut off' };
  try {
    let last = '';
    for await (const piece of lines) {
      last = piece;
      yield piece;
    }
    outcome = { outcome: 'done', status: 200, detail: last.trimEnd().split('\n').at(-1) ?? null };
  } catch (error) {
    outcome = answerOf(error);
    throw error;
  } finally {
    await answer(outcome);
  }
}

function toAction(
  { operationId }: Pick<RouteDefinition, 'operationId'>,
  { params, query, body, caller, requestId }: RecordedCall,
): NewOperatorAction {
  return {
    actor: `key:${caller.label}`,
    keyId: caller.keyId,
    channel: 'api',
    action: operationId,
    target: { ...asFields(params), ...asFields(query) },
    input: body,
    requestId,
  };
}

function complainTo(logger: Logger, { requestId }: Pick<RecordedCall, 'requestId'>): OnLost {
  return (actionId, error) => {
    logger.error(
      { actionId, requestId, error: errorForLog(error) },
      "could not record the outcome of an operator's action",
    );
  };
}

function answerOf(error: unknown): ActionAnswer {
  const { problem, message } = toProblem(error);
  const { status } = PROBLEMS[problem];
  return { outcome: status < 500 ? 'refused' : 'failed', status, detail: message };
}

function asFields(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
