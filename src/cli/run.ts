import { CommanderError } from 'commander';
import { letReaderLeave, printErrorLine } from '../lib/terminal.ts';
import { exitCodeOf } from './cli-error.ts';
import { listenForInterruption } from './interruption.ts';
import { createProgram } from './program.ts';
import { wantsJson, wantsStack } from './output.ts';

/** Runs the command given by the arguments and sets the exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  letReaderLeave();
  listenForInterruption();
  try {
    // Options of the program can come before the command, so any argument may be its name.
    const program = await createProgram((name) => argv.includes(name));
    await program.parseAsync([...argv]);
  } catch (error) {
    await tell(error, argv);
    process.exitCode = exitCodeOf(error);
  }
}

async function tell(error: unknown, argv: readonly string[]): Promise<void> {
  if (error instanceof CommanderError && error.exitCode === 0) return;
  const asJson = wantsJson(argv);
  // Commander has already printed its own errors as text.
  if (error instanceof CommanderError && !asJson) return;
  // Loaded only now, because it knows the errors of every client.
  const { explain, withCauses, errorToJson, renderError } = await import('./explain-error.ts');
  if (asJson) printErrorLine(errorToJson(explain(error)));
  else printErrorLine(wantsStack(argv) ? withCauses(error) : renderError(explain(error)));
}
