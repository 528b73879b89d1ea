import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * `npm run test:model -- --runs 5000 --seed 7`: the sequences of `ledger.test.ts` and `lives.test.ts`, as
 * many as one likes. `--of`, `--path`, `--replay-path` and `--time-zone` show a failure again, as its report
 * says.
 */
const { values } = parseArgs({
  options: {
    of: { type: 'string', multiple: true, default: ['ledger', 'lives'] },
    runs: { type: 'string', default: '5000' },
    seed: { type: 'string' },
    path: { type: 'string' },
    'replay-path': { type: 'string' },
    'time-zone': { type: 'string' },
  },
});
const env = {
  MODEL_RUNS: values.runs,
  MODEL_SEED: values.seed,
  MODEL_PATH: values.path,
  MODEL_REPLAY_PATH: values['replay-path'],
  MODEL_TIME_ZONE: values['time-zone'],
};
const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
const files = values.of.map((name) => `test/model/${name}.test.ts`);
const launcher = join(import.meta.dirname, '../../scripts/run.mjs');
const child = spawn(
  process.execPath,
  [launcher, 'vitest', 'run', '--project', 'integration', ...files],
  { stdio: 'inherit', env: { ...process.env, ...given } },
);
child.on('exit', (code) => (process.exitCode = code ?? 1));
