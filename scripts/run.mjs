/**
 * The launcher behind the npm scripts: `run.mjs <file or tool> [arguments]` runs a file of this
 * project or a package's program on Node 24, whatever Node is on the PATH.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { PROJECT } from './lib/cache.mjs';
import { findNode24 } from './lib/node24.mjs';
import { nodeFlags } from './lib/node-flags.mjs';
import { findTemporalCli } from './lib/temporal-cli.mjs';

/** Tools whose package has a different name. */
const PACKAGE_OF = {
  tsc: 'typescript',
  depcruise: 'dependency-cruiser',
  stryker: '@stryker-mutator/core',
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Returns the file to run: a path, or the program of that name in node_modules. */
function resolveTarget(target) {
  if (/\.[cm]?[jt]s$/.test(target)) return resolve(target);
  const folder = join(PROJECT, 'node_modules', PACKAGE_OF[target] ?? target);
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) fail(`There is no ${target} in node_modules: run \`npm run setup\`.`);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[target]);
}

const [target, ...args] = process.argv.slice(2);
if (target === undefined) fail('usage: node scripts/run.mjs <file or tool> [arguments]');
const node = findNode24();
if (node === undefined) fail('Node 24 is not installed yet: run `npm run setup` first.');

const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
// glibc's allocator keeps pools for many threads, and each pool grows. With two pools a worker's
// peak was about 7 % lower in `npm run bench -- growth`, at 5,000 and at 10,000 tenants.
env.MALLOC_ARENA_MAX ??= '2';
const cli = findTemporalCli();
if (cli !== undefined) env.TEMPORAL_CLI = cli;

const child = spawn(node, [...nodeFlags(target, args), resolveTarget(target), ...args], {
  stdio: 'inherit',
  env,
});
child.on('error', (error) => fail(error.message));
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));

// Ctrl-C in a terminal reaches the child directly; a signal from elsewhere reaches only this process.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
