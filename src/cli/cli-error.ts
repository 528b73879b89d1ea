import { CommanderError } from 'commander';

/** Optional parts of an error, next to its message. */
interface CliErrorOptions extends ErrorOptions {
  /** What to do next. */
  readonly hint?: string;
  /** Details, a line each. */
  readonly list?: readonly string[];
}

/** A command can't do what it was asked to. Only message, list and hint are shown, never a stack trace. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly hint: string | null;
  readonly list: readonly string[];

  constructor(message: string, { hint, list, ...options }: CliErrorOptions = {}) {
    super(message, options);
    this.hint = hint ?? null;
    this.list = list ?? [];
  }
}

export const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
/** The command succeeded and found a problem. */
export const EXIT_WRONG = 3;

/** The text with a capital first letter. */
export function capitalize(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}

/** The exit code for an error: invalid commands have their own. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  return EXIT_FAILURE;
}
