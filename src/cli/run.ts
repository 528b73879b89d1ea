import { CommanderError } from 'commander';
import { letReaderLeave, printErrorLine } from '../lib/terminal.ts';
import { exitCodeOf } from './cli-error.ts';
import { explain, withCauses, errorToJson, renderError } from './explain-error.ts';
import { listenForInterruption } from './interruption.ts';
import { createProgram } from './program.ts';
import { wantsJson, wantsStack } from './output.ts';

/** Runs the command given by the arguments and sets the exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  letReaderLeave();
  listenForInterruption();
  try {
    await createProgram().parseAsync([...argv]);
  } catch (error) {
    tell(error, argv);
    process.exitCode = exitCodeOf(error);
  }
}

function tell(error: unknown, argv: readonly string[]): void {
  if (error instanceof CommanderError && error.exitCode === 0) return;
  if (wantsJson(argv)) {
    printErrorLine(errorToJson(explain(error)));
    return;
  }
  // Commander has already printed its own errors as text.
  if (error instanceof CommanderError) return;
  printErrorLine(wantsStack(argv) ? withCauses(error) : renderError(explain(error)));
}
