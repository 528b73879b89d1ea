import {
  answerOperatorAction,
  insertOperatorAction,
  type ActionAnswer,
  type NewOperatorAction,
} from '../db/operator-actions.ts';
import type { Queryable } from '../db/pool.ts';

/** How a channel sees what came of an action. */
export interface Judge<T> {
  readonly done: (result: T) => ActionAnswer;
  readonly failed: (error: unknown) => ActionAnswer;
  /** The action has ended, and that could not be put on record. */
  readonly lost: (actionId: number, error: unknown) => void;
}

/**
 * Does an operator's action on the record: the row is there before it runs, and what can't be put on
 * record isn't done. Its outcome is added afterwards; where that fails the action still counts as it
 * went, and the row stays without an outcome.
 * @throws the database's error where there is no row; what the action throws
 */
export async function onRecord<T>(
  db: Queryable,
  action: NewOperatorAction,
  run: () => Promise<T>,
  judge: Judge<T>,
): Promise<T> {
  const actionId = await insertOperatorAction(db, action);
  const answer = (given: ActionAnswer) =>
    answerOperatorAction(db, actionId, given).catch((error: unknown) => {
      judge.lost(actionId, error);
    });
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
