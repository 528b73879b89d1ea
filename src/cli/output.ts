import type { Command } from 'commander';
import { printLine, printErrorLine } from '../lib/terminal.ts';
import { visibleIn, visible } from '../lib/visible-text.ts';

/**
 * Prints the result of a command: as text, or as JSON with `--json`.
 * @param render returns the text. It gets the data with hidden characters made visible, so that a name can't forge
 * a line
 * @param toJson returns what `--json` prints; by default the data themselves
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
 * Prints a note to standard error; with `--json` as a line `{"note": "…"}`, so that a program can tell it from an error.
 * @param list details, a line each
 */
export function note(message: string, list: readonly string[] = []): void {
  const lines = [message, ...list.map((line) => `  ${line}`)];
  printErrorLine(
    wantsJson() ? JSON.stringify({ note: lines.join('\n') }) : lines.map(visible).join('\n'),
  );
}

/** Whether a global option was given. Reads the arguments directly, because they may be invalid for commander. */
function asksFor(option: string, argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(option);
}

/** Whether output is for a program. */
export function wantsJson(argv: readonly string[] = process.argv): boolean {
  return asksFor('--json', argv);
}

/** Whether errors are shown with their stack trace. */
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

/** The value with snake_case keys, as `--json`, the API and the database have them. Not for keys chosen by users. */
export function snakeCaseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCaseKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [toSnakeCase(name), snakeCaseKeys(inner)]),
  );
}
