import type { Command } from 'commander';
import { onRecord } from '../audit/on-record.ts';
import type { Config } from '../config.ts';
import type { ActionAnswer } from '../db/month-end/operator-actions.ts';
import type { Database } from '../db/pool.ts';
import { actor } from './actor.ts';
import { FeedError } from '../catalogue/feed-error.ts';
import { NoScheduleError } from '../temporal/schedule.ts';
import { NoSuchVersionError } from '../temporal/worker-deployment.ts';
import { afterInterruption } from './after-interruption.ts';
import { withDatabase, type Environment } from './environment.ts';
import { CliError, EXIT_FAILURE } from './errors.ts';
import { explainError } from './explain-error.ts';
import { whileInterruptible } from './interruption.ts';
import { note } from './note.ts';
import { toSnakeCase } from './snake-case.ts';

/** Errors whose reason lies in what was asked for. */
const REFUSALS = [CliError, FeedError, NoScheduleError, NoSuchVersionError];

/**
 * Runs what a command changes, on the record: every command that changes something goes through here.
 * The record has the command's name, its arguments and its options; so none may be a secret.
 * @param more what else belongs on record, such as an id that was made up
 */
export function operatorAction<T>(
  command: Command,
  env: Environment,
  run: (db: Database, config: Config) => Promise<T>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  const tell = () => afterInterruption(nameOf(command), more.request_id);
  return withDatabase(env, (db, config) =>
    whileInterruptible(tell, () =>
      onRecord(
        db,
        {
          actor: actor(),
          keyId: null,
          channel: 'cli',
          action: nameOf(command),
          target: argumentsOf(command),
          input: { ...optionsOf(command), ...more },
          requestId: null,
        },
        () => run(db, config),
        {
          done: () => ({ outcome: 'done', status: 0, detail: null }),
          failed: answerOf,
          lost: (actionId, error) =>
            note(
              `The outcome of action ${actionId} is not on record: ${explainError(error, undefined)}`,
            ),
        },
      ),
    ),
  );
}

/** `invoices.void`. */
function nameOf(command: Command): string {
  const group = command.parent?.parent ? `${command.parent.name()}.` : '';
  return group + command.name();
}

function argumentsOf({ registeredArguments, processedArgs }: Command): object {
  return Object.fromEntries(
    registeredArguments.map((argument, index) => [
      toSnakeCase(argument.name()),
      processedArgs[index] as unknown,
    ]),
  );
}

function optionsOf(command: Command): object {
  return Object.fromEntries(
    command.options.map((option) => [
      toSnakeCase(option.name()),
      command.getOptionValue(option.attributeName()) as unknown,
    ]),
  );
}

function answerOf(error: unknown): ActionAnswer {
  const isRefusal = REFUSALS.some((kind) => error instanceof kind);
  return {
    outcome: isRefusal ? 'refused' : 'failed',
    status: EXIT_FAILURE,
    detail: explainError(error, undefined),
  };
}
