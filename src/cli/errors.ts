import { CommanderError } from 'commander';

/** Something that a command can't do; its message is all that is shown. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;
/** The command did its work, and found that something is wrong. */
export const EXIT_WRONG = 3;

/** What PostgreSQL's codes mean for whoever runs a command. */
const DATABASE_HINTS: Readonly<Record<string, string>> = {
  '28P01': 'PostgreSQL refuses the user or the password: see DATABASE_URL',
  '28000': 'PostgreSQL refuses the user: see DATABASE_URL',
  '3D000': 'There is no such database: see DATABASE_URL',
  '42P01': 'The database lacks our tables: run `npm run cli -- migrate` first',
  '42501': 'The database user lacks the rights for this: see DATABASE_URL',
};

/** A reason, as a sentence of its own. */
export function capitalize(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}

/** One clear sentence for an error; with its stack where LOG_LEVEL is debug. */
export function explainError(error: unknown, logLevel: string | undefined): string {
  if (!(error instanceof Error)) return String(error);
  if (logLevel === 'debug' || logLevel === 'trace') return withCauses(error);
  return hintOf(error) ?? messageOf(error);
}

/** Misuse is told from failure by the exit code; commander has printed its message already. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  return EXIT_FAILURE;
}

function hintOf(error: Error): string | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const hint = DATABASE_HINTS[code];
  if (hint !== undefined) return hint;
  return error.cause instanceof Error ? hintOf(error.cause) : undefined;
}

/** Temporal's client says "Failed to …" and keeps the server's reason in the cause. */
function messageOf(error: Error): string {
  const { cause } = error;
  const details =
    cause instanceof Error && 'details' in cause && typeof cause.details === 'string'
      ? cause.details
      : '';
  return details === '' ? error.message : `${error.message}: ${details}`;
}

function withCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own;
}
