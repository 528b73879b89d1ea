import type { Command } from 'commander';
import { printLine } from '../lib/terminal.ts';
import { visibleIn } from '../lib/visible-text.ts';

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
