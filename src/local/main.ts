import { explainError } from '../cli/explain-error.ts';
import { present } from '../present.ts';
import { listenForShutdown, untilAborted } from '../shutdown.ts';
import { startLocalStack } from './stack.ts';
import { stateFolder } from './state-folder.ts';
import { createSteps } from './steps.ts';

/** `npm run local`: the servers, the worker and the API on this machine, until Ctrl-C. */
const shutdown = listenForShutdown();
try {
  const stack = await startLocalStack({
    env: present(process.env),
    stateDir: stateFolder(process.env),
    steps: createSteps(process.stdout),
    signal: shutdown,
  });
  try {
    const { servers, env, envFile, logFile } = stack;
    console.log(`Operator  ${env.API_URL}/operator (sign in with OPERATOR_API_KEY, below)`);
    console.log(`API       ${env.API_URL} (docs at /docs)`);
    if (servers.uiUrl !== null) console.log(`Web UI    ${servers.uiUrl}`);
    console.log(`Keys      ${envFile}, with all addresses`);
    console.log(`Log       ${logFile}`);
    console.log('\nCtrl-C stops everything.');
    await Promise.race([untilAborted(shutdown), stack.engine.failure]);
  } finally {
    await stack.stop();
  }
} catch (error) {
  if (!shutdown.aborted) {
    console.error(explainError(error, process.env.LOG_LEVEL));
    process.exitCode = 1;
  }
}
// A worker that was stopped by force leaves handles behind that would keep the process alive.
process.exit();
