import { CommanderError } from 'commander';
import { exitCodeOf } from './errors.ts';
import { explain, withCauses } from './explain-error.ts';
import { listenForInterruption } from './interruption.ts';
import { createProgram } from './program.ts';
import { renderError } from './render/error.ts';
import { wantsJson, wantsStack } from './wanted.ts';

/** Runs the command that the arguments name, and sets the exit code. */
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
  const asJson = wantsJson(argv);
  // Of misuse, commander has told people already.
  if (!asJson && error instanceof CommanderError) return;
  if (wantsStack(argv) && !asJson) console.error(withCauses(error));
  else console.error(asJson ? JSON.stringify(explain(error)) : renderError(explain(error)));
}

/** `| head` has what it wanted: the work goes on to its end, and nobody is bothered. */
function letReaderLeave(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!isGone(error)) throw error;
    });
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}
