import { parseArgs } from 'node:util';
import { explainError } from '../src/cli/explain-error.ts';
import { printErrorLine, printLine } from '../src/lib/terminal.ts';
import { present } from '../src/lib/present.ts';
import { listenForShutdown, untilAborted } from '../src/lib/shutdown.ts';
import { DemoError } from './demo-checks.ts';
import { runDemo } from './demo-run.ts';
import { resetState } from './servers.ts';
import { startLocalStack } from './stack.ts';
import { stateFolder } from '../src/cli/local-env.ts';
import { createSteps } from './steps.ts';

/**
 * `npm run demo`: a month end from nothing to a corrected invoice, on real servers. `-- --exit`
 * ends it instead of staying up; `-- --reset` starts anew.
 */
const shutdown = listenForShutdown();
try {
  const { values: flags } = parseArgs({
    options: { exit: { type: 'boolean' }, reset: { type: 'boolean' } },
  });
  const stateDir = stateFolder(process.env);
  if (flags.reset) await resetState(stateDir);
  const steps = createSteps();
  printLine();
  const stack = await startLocalStack({
    env: present(process.env),
    stateDir,
    steps,
    signal: shutdown,
  });
  try {
    await Promise.race([runDemo(stack, steps, shutdown), stack.engine.failure]);
    if (!flags.exit) {
      printLine('Everything stays up: Ctrl-C stops it.');
      await Promise.race([untilAborted(shutdown), stack.engine.failure]);
      printLine('\nStopping …');
    }
  } finally {
    await stack.stop();
  }
} catch (error) {
  if (!shutdown.aborted) {
    printErrorLine(explainError(error, process.env.LOG_LEVEL));
    if (error instanceof DemoError) printErrorLine('`npm run demo -- --reset` starts anew');
  }
  process.exitCode = 1;
}
// A worker that was stopped by force leaves handles behind that would keep the process alive.
process.exit();
