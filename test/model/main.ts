import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * `npm run test:model -- --runs 5000 --seed 7`: the sequences of `ledger.test.ts`, as many as one
 * likes. `--path` and `--replay-path` show a failure again, as its report says.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5000' },
    seed: { type: 'string' },
    path: { type: 'string' },
    'replay-path': { type: 'string' },
  },
});
const env = {
  MODEL_RUNS: values.runs,
  MODEL_SEED: values.seed,
  MODEL_PATH: values.path,
  MODEL_REPLAY_PATH: values['replay-path'],
};
const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
const launcher = join(import.meta.dirname, '../../scripts/run.mjs');
const child = spawn(
  process.execPath,
  [launcher, 'vitest', 'run', '--project', 'integration', 'test/model/ledger.test.ts'],
  { stdio: 'inherit', env: { ...process.env, ...given } },
);
child.on('exit', (code) => (process.exitCode = code ?? 1));
