import { CommanderError } from 'commander';

/** What can be said of an error besides its sentence. */
interface CliErrorOptions extends ErrorOptions {
  /** What to do about it. */
  readonly hint?: string;
  /** What belongs to it, a line each. */
  readonly list?: readonly string[];
}

/** Something that a command can't do; its message, a list and a hint are all that is shown. */
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
/** The command did its work, and found that something is wrong. */
export const EXIT_WRONG = 3;

/** A reason, as a sentence of its own. */
export function capitalize(reason: string): string {
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}

/** Misuse is told from failure by the exit code. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  return EXIT_FAILURE;
}
