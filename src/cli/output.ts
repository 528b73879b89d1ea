import type { Command } from 'commander';
import { printLine, printErrorLine } from '../lib/terminal.ts';
import { visibleIn, visible } from '../lib/visible-text.ts';

/**
 * Prints what a command has to say: for people, or with `--json` for programs.
 * @param render makes the text, only where it is wanted, of the data with hidden characters shown: what is put into
 * a line comes from there, so that a name can't forge one
 * @param toJson what a program gets instead of the data as they are
 */
export function print<T>(
  command: Command,
  data: T,
  render: (shown: T) => string,
  toJson: (data: T) => unknown = (same) => same,
): void {
  const { json } = command.optsWithGlobals<{ json?: boolean }>();
  printLine(json ? JSON.stringify(toJson(data), null, 2) : render(visibleIn(data)));
}

/**
 * Says something beside the result, on standard error; with `--json` as a line `{"note": "…"}`, so that
 * a program can tell it from an error.
 * @param list more of it, a line each
 */
export function note(message: string, list: readonly string[] = []): void {
  const lines = [message, ...list.map((line) => `  ${line}`)];
  printErrorLine(
    wantsJson() ? JSON.stringify({ note: lines.join('\n') }) : lines.map(visible).join('\n'),
  );
}

/**
 * What was asked for by options that hold everywhere, as it has to be known where the arguments make
 * no sense, too.
 */
function asksFor(option: string, argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(option);
}

/** Whether a program reads what we say. */
export function wantsJson(argv: readonly string[] = process.argv): boolean {
  return asksFor('--json', argv);
}

/** Whether somebody wants to know where an error comes from. */
export function wantsStack(
  argv: readonly string[] = process.argv,
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  return (
    asksFor('--verbose', argv) ||
    Boolean(env.DEBUG) ||
    env.LOG_LEVEL === 'debug' ||
    env.LOG_LEVEL === 'trace'
  );
}

/** `tenantId` → `tenant_id`, `tenant-id` → `tenant_id`. */
export function toSnakeCase(name: string): string {
  return name.replaceAll('-', '_').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Data as `--json` names it, which is how the API and the database do. Not for names that users chose. */
export function snakeCaseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCaseKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [toSnakeCase(name), snakeCaseKeys(inner)]),
  );
}
