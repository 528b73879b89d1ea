import { CommanderError } from 'commander';
import { exitCodeOf, explainError } from './errors.ts';
import { createProgram } from './program.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  // Of misuse, commander has told already.
  if (!(error instanceof CommanderError)) {
    console.error(explainError(error, process.env.LOG_LEVEL));
  }
  process.exitCode = exitCodeOf(error);
}
