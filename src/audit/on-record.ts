import {
  answerOperatorAction,
  insertOperatorAction,
  type ActionAnswer,
  type NewOperatorAction,
} from '../db/month-end/operator-actions.ts';
import type { Queryable } from '../db/pool.ts';

/** The action has ended, and that could not be put on record. */
export type OnLost = (actionId: number, error: unknown) => void;

/** How a channel sees what came of an action. */
export interface Judge<T> {
  readonly done: (result: T) => ActionAnswer;
  readonly failed: (error: unknown) => ActionAnswer;
  readonly lost: OnLost;
}

/**
 * Puts an operator's action on record, before it runs: what can't be put on record isn't done.
 * @returns adds its outcome; where that fails the action still counts as it went, and the row stays
 * without an outcome
 * @throws the database's error where there is no row
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
 * Does an operator's action on the record.
 * @throws as `putOnRecord`; what the action throws
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
