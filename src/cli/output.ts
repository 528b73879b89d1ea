import type { Command } from 'commander';

/**
 * Prints what a command has to say: for people, or with `--json` for programs.
 * @param render makes the text, only where it is wanted
 */
export function print(command: Command, data: unknown, render: () => string): void {
  const { json } = command.optsWithGlobals<{ json?: boolean }>();
  console.log(json ? JSON.stringify(data, null, 2) : render());
}
