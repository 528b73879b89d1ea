import {
  answerOperatorAction,
  insertOperatorAction,
  type ActionAnswer,
  type NewOperatorAction,
} from '../db/month-end/operator-actions.ts';
import type { Queryable } from '../db/pool.ts';

/** Called when an action has ended but its outcome could not be recorded. */
export type OnLost = (actionId: number, error: unknown) => void;

/** How a channel reports the result of an action. */
export interface Judge<T> {
  readonly done: (result: T) => ActionAnswer;
  readonly failed: (error: unknown) => ActionAnswer;
  readonly lost: OnLost;
}

/**
 * Records an operator's action before it runs: an action that can't be recorded isn't performed.
 * @returns a function that records the outcome; if that fails, the action's result stands and the row has no
 * outcome
 * @throws the database's error if the row could not be inserted
 */
export async function putOnRecord(
  db: Queryable,
  action: NewOperatorAction,
  onLost: OnLost,
): Promise<(answer: ActionAnswer) => Promise<void>> {
  const actionId = await insertOperatorAction(db, action);
  return (answer) =>
    answerOperatorAction(db, actionId, answer).catch((error: unknown) => {
      onLost(actionId, error);
    });
}

/**
 * Runs an operator's action, and records it and its outcome.
 * @throws like `putOnRecord`; whatever the action throws
 */
export async function onRecord<T>(
  db: Queryable,
  action: NewOperatorAction,
  run: () => Promise<T>,
  judge: Judge<T>,
): Promise<T> {
  const answer = await putOnRecord(db, action, judge.lost);
  let result: T;
  try {
    result = await run();
  } catch (error) {
    await answer(judge.failed(error));
    throw error;
  }
  await answer(judge.done(result));
  return result;
}
