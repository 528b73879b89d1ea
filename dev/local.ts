import { explainError } from '../src/cli/explain-error.ts';
import { printErrorLine, printLine } from '../src/lib/terminal.ts';
import { present } from '../src/lib/present.ts';
import { listenForShutdown, untilAborted } from '../src/lib/shutdown.ts';
import { startLocalStack } from './stack.ts';
import { stateFolder } from '../src/cli/local-env.ts';
import { createSteps } from './steps.ts';

/** `npm run local`: the servers, the worker and the API on this machine, until Ctrl-C. */
const shutdown = listenForShutdown();
try {
  const stack = await startLocalStack({
    env: present(process.env),
    stateDir: stateFolder(process.env),
    steps: createSteps(),
    signal: shutdown,
  });
  try {
    const { servers, env, envFile, logFile } = stack;
    printLine(`Operator  ${env.API_URL}/operator (sign in with OPERATOR_API_KEY, below)`);
    printLine(`API       ${env.API_URL} (docs at /docs)`);
    if (servers.uiUrl !== null) printLine(`Web UI    ${servers.uiUrl}`);
    printLine(`Keys      ${envFile}, with all addresses`);
    printLine(`Log       ${logFile}`);
    printLine('\nCtrl-C stops everything.');
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
// A worker that was stopped by force leaves handles behind that would keep the process alive.
process.exit();
