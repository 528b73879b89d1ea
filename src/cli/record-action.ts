import type { Command } from 'commander';
import { userInfo } from 'node:os';
import { onRecord } from '../audit/on-record.ts';
import type { Config } from '../config.ts';
import type { ActionAnswer } from '../db/month-end/operator-actions.ts';
import type { Database } from '../db/pool.ts';
import { FeedError } from '../catalogue/feed-error.ts';
import { NoScheduleError } from '../temporal/schedule.ts';
import { NoSuchVersionError } from '../temporal/worker-deployment.ts';
import { withDatabase, type Environment } from './environment.ts';
import { CliError, EXIT_FAILURE } from './cli-error.ts';
import { explainError } from './explain-error.ts';
import { whileInterruptible } from './interruption.ts';
import { note, toSnakeCase } from './output.ts';

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

/** Who asks, as it is kept with a request: `cli:anna`. */
export function actor(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    // A container's user may have no name.
    return 'cli';
  }
}

/** Of those of which there would be two, or which would be refused, if they were done again. */
const NOT_TO_BE_REPEATED: Readonly<Record<string, string>> = {
  'keys.create': 'Whether there is a key, `keys list` says; revoke it then, for its text is lost.',
  'keys.rotate':
    'Whether there is a successor, `keys list` says; rotate that one then, for its text is lost.',
  'keys.sign':
    'Whether there is a secret, `keys list` says; revoke it then (`keys unsign`), for its text is lost.',
};

/** Of those that go on in pieces, each of them whole. */
const IN_PIECES: Readonly<Record<string, string>> = {
  'usage.archive': 'What was moved is moved; run it again for the rest.',
  'usage.expire': 'Months that have expired are on record; run it again for the rest.',
};

/** Of those that ask for something which goes on without us. */
const REQUESTS = new Set(['month-end.start', 'month-end.force']);

/**
 * What somebody who interrupted a command that writes has to know: what may be done by now, and how to go
 * on.
 * @param action `invoices.void`
 * @param requestId of a request that is known by it
 */
export function afterInterruption(action: string, requestId: unknown): string {
  const special = NOT_TO_BE_REPEATED[action] ?? IN_PIECES[action];
  if (special !== undefined) return special;
  return REQUESTS.has(action)
    ? `If it was sent by then, the month's workflow serves it; with --request-id ${String(requestId)} ` +
        'it can be sent again and counts once.'
    : 'It is done as a whole or not at all (`audit list` knows, where it says `done`), and to repeat it is safe.';
}
