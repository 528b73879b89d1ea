import { createInterface } from 'node:readline';
import { Option } from 'commander';
import { printErrorText } from '../lib/terminal.ts';
import { visible } from '../lib/visible-text.ts';
import { CliError } from './cli-error.ts';
import { wantsJson } from './output.ts';

/** What a person is asked before a command does something that can't be undone. */
export interface Confirmation {
  /** What will happen, one sentence each. */
  readonly consequences: readonly string[];
  /** For example `Void acme-000007?`. */
  readonly question: string;
}

/** The option of commands that ask for confirmation. */
export function yesOption(): Option {
  return new Option('--yes', 'do not ask for confirmation; required if there is no terminal');
}

/**
 * Says what the command will do and waits for the answer on the terminal. With `--yes` it neither asks nor calls
 * `describe`.
 * @param describe reads what will happen; called only if the user is asked
 * @throws CliError if the answer isn't yes, or if there is no terminal to ask on
 */
export async function confirm(
  { yes = false }: { readonly yes?: boolean | undefined },
  describe: () => Promise<Confirmation>,
): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || wantsJson()) {
    throw new CliError('This command asks for confirmation, and there is no terminal to ask on', {
      hint: 'Nothing was changed. To confirm in advance, run it again with --yes.',
    });
  }
  const { consequences, question } = await describe();
  printErrorText(`${consequences.map(visible).join('\n')}\n${visible(question)} [y/N] `);
  const answer = await readAnswer();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('Not confirmed: nothing was changed');
}

/** Returns the next line that is typed; empty if the input ends. */
async function readAnswer(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
  }
}
