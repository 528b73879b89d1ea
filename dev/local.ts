import { explainError } from '../src/cli/explain-error.ts';
import { printErrorLine, printLine } from '../src/lib/terminal.ts';
import { present } from '../src/lib/present.ts';
import { listenForShutdown, untilAborted } from '../src/lib/shutdown.ts';
import { startLocalStack } from './stack.ts';
import { stateFolder } from '../src/cli/local-env.ts';
import { createSteps } from './steps.ts';

/** `npm run local`: runs the servers, the worker and the API on this machine until Ctrl-C. */
const shutdown = listenForShutdown();
try {
  const stack = await startLocalStack({
    env: present(process.env),
    stateDir: stateFolder(process.env),
    steps: createSteps({ signal: shutdown }),
    signal: shutdown,
  });
  try {
    const { servers, env, envFile, logFile } = stack;
    printLine(`Operator pages  ${env.API_URL}/operator`);
    printLine(`Operator key    grep OPERATOR_API_KEY ${envFile}`);
    printLine(`API reference   ${env.API_URL}/docs`);
    if (servers.uiUrl !== null) printLine(`Temporal UI     ${servers.uiUrl}`);
    printLine(`Log             ${logFile}`);
    printLine('\nThe servers keep running. Press Ctrl-C to stop them.');
    await Promise.race([untilAborted(shutdown), stack.engine.failure]);
  } finally {
    await stack.stop();
  }
} catch (error) {
  if (!shutdown.aborted) {
    printErrorLine(explainError(error, process.env.LOG_LEVEL));
    process.exitCode = 1;
  }
}
// A worker that had to be killed leaves handles that would keep the process alive.
process.exit();
