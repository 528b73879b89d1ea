import { parseArgs } from 'node:util';
import { explainError } from '../src/cli/explain-error.ts';
import { printErrorLine, printLine } from '../src/lib/terminal.ts';
import { present } from '../src/lib/present.ts';
import { listenForShutdown, untilAborted } from '../src/lib/shutdown.ts';
import { TimeZoneRefusedError } from '../src/db/settings/billing-settings.ts';
import { DemoError } from './demo-checks.ts';
import { installLitellm, runLitellmAct } from './demo-litellm.ts';
import { renderNextSteps, runDemo } from './demo-run.ts';
import { runStory, storyOf } from './demo-story.ts';
import { resetState } from './servers.ts';
import { startLocalStack } from './stack.ts';
import { stateFolder } from '../src/cli/local-env.ts';
import { createSteps } from './steps.ts';

const INTRODUCTION = `
This demo closes a month on real servers on this machine: it starts them, sends a month of made-up
usage, issues the invoices, and corrects one of them.
`;

/** Where the demo's seller and most of its customers are. */
const TIME_ZONE = 'Australia/Sydney';

const STORY_INTRODUCTION = `
A second act follows: the month is reviewed, corrected, released, paid, adjusted and exported.
`;

/**
 * `npm run demo`: a month end from an empty database to a corrected invoice, on real servers. `-- --story` adds what
 * happens to the month afterwards; `-- --litellm` sends usage of the running month through a real LiteLLM proxy;
 * `-- --exit` stops the servers at the end; `-- --reset` deletes the state of earlier runs first.
 */
const shutdown = listenForShutdown();
let isStory = false;
try {
  const { values: flags } = parseArgs({
    options: {
      exit: { type: 'boolean' },
      litellm: { type: 'boolean' },
      reset: { type: 'boolean' },
      story: { type: 'boolean' },
    },
  });
  isStory = flags.story === true;
  const stateDir = stateFolder(process.env);
  if (flags.reset) await resetState(stateDir);
  const steps = createSteps({ signal: shutdown });
  printLine(INTRODUCTION + (isStory ? STORY_INTRODUCTION : ''));
  const litellm = flags.litellm ? await installLitellm(steps) : null;
  const stack = await startLocalStack({
    env: present(process.env),
    stateDir,
    steps,
    signal: shutdown,
    timeZone: TIME_ZONE,
  });
  const runActs = async (): Promise<void> => {
    const act = await runDemo(stack, steps, { signal: shutdown, isStory });
    if (isStory)
      await runStory(storyOf(act, { env: stack.env, stateDir, signal: shutdown }), steps);
    if (litellm !== null) {
      const { deployments } = act;
      const start = { stack, stateDir, deployments, programs: litellm, signal: shutdown };
      await runLitellmAct(start, steps);
    }
    printLine(renderNextSteps(stack, act.month));
  };
  try {
    await Promise.race([runActs(), stack.engine.failure]);
    if (!flags.exit) {
      printLine('The servers keep running. Press Ctrl-C to stop them.');
      await Promise.race([untilAborted(shutdown), stack.engine.failure]);
      printLine('\nStopping …');
    }
  } finally {
    await stack.stop();
  }
} catch (error) {
  if (shutdown.aborted) {
    printErrorLine('Interrupted; the servers are stopped. To continue, run `npm run demo` again.');
  } else {
    printErrorLine(explainError(error, process.env.LOG_LEVEL));
    if (error instanceof DemoError || error instanceof TimeZoneRefusedError)
      printErrorLine(`To start over, run \`npm run demo -- --reset${isStory ? ' --story' : ''}\`.`);
  }
  process.exitCode = 1;
}
// A worker that had to be killed leaves handles that would keep the process alive.
process.exit();
