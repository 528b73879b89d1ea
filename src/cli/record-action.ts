import type { Command } from 'commander';
import { userInfo } from 'node:os';
import { onRecord } from '../audit/on-record.ts';
import type { Config } from '../config.ts';
import type { ActionAnswer } from '../db/month-end/operator-actions.ts';
import type { Database } from '../db/pool.ts';
import { TimeZoneRefusedError } from '../db/settings/billing-settings.ts';
import { ApplyError } from '../catalogue/apply-error.ts';
import { UnfilteredAssignmentError } from '../ingestion/quarantine/assignment.ts';
import { NoScheduleError } from '../temporal/schedule.ts';
import { NoSuchVersionError } from '../temporal/worker-versions.ts';
import { withDatabase, type Environment } from './environment.ts';
import { CliError, EXIT_FAILURE } from './cli-error.ts';
import { explainError } from './explain-error.ts';
import { whileInterruptible } from './interruption.ts';
import { note, toSnakeCase } from './output.ts';

/** Errors caused by the request itself: their outcome is `refused`, all others are `failed`. */
const REFUSALS = [
  ApplyError,
  CliError,
  NoScheduleError,
  NoSuchVersionError,
  TimeZoneRefusedError,
  UnfilteredAssignmentError,
];

/**
 * Runs the work of a command that changes something and records it in the audit trail; every such command uses it.
 * The record holds the command's name, arguments and options, so none of them may be a secret.
 * @param more further input to record, such as a generated id
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
              `The outcome of action ${actionId} could not be recorded: ${explainError(error, undefined)}`,
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

/** The actor that is recorded with a request: `cli:anna`. */
export function actor(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    // The user of a container may have no name.
    return 'cli';
  }
}

/** Advice for actions that are unsafe to repeat. */
const NOT_TO_BE_REPEATED: Readonly<Record<string, string>> = {
  'keys.create': 'Check `keys list` for a new key. If there is one, revoke it: it was never shown.',
  'keys.rotate':
    'Check `keys list` for a successor. If there is one, rotate it: it was never shown.',
  'keys.sign':
    'Check `keys list` for a new signing secret. If there is one, revoke it with `keys unsign`: it was never shown.',
};

/** Advice for actions that commit in several transactions. */
const IN_PIECES: Readonly<Record<string, string>> = {
  'usage.archive': 'Events moved so far stay in the archive. Run the command again for the rest.',
  'quarantine.release':
    'Events released so far stay released. Run the command again for the rest; none counts twice.',
  'quarantine.dismiss':
    'Events dismissed so far stay dismissed. Run the command again for the rest.',
  'items.import': 'Items recorded so far stay recorded. Run the command again for the rest.',
  'usage.expire': 'Months that have expired stay expired. Run the command again for the rest.',
};

/** Actions that are safe to repeat with the id that they were given. */
const WITH_REQUEST_ID = new Set(['invoices.credit']);

/** Actions that send a request which continues without this process. */
const REQUESTS = new Set(['month-end.start', 'month-end.force']);

/**
 * What may have been done when a command that writes was interrupted, and how to continue.
 * @param action `invoices.void`
 * @param requestId id of the request that the command sends, if it sends one
 */
export function afterInterruption(action: string, requestId: unknown): string {
  const special = NOT_TO_BE_REPEATED[action] ?? IN_PIECES[action];
  if (special !== undefined) return special;
  if (WITH_REQUEST_ID.has(action)) {
    return `The change was made completely or not at all. It is safe to repeat with --request-id ${String(requestId)}.`;
  }
  return REQUESTS.has(action)
    ? `If the request was already sent, the month's workflow handles it. It is safe to send it again with ` +
        `--request-id ${String(requestId)}.`
    : 'The change was made completely or not at all; `audit list` shows outcome `done` if it was made. It is safe to repeat.';
}
