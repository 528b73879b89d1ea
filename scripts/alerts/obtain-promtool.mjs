import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, findOnPath, isExecutable } from '../lib/cache.mjs';
import { lastLine, runCommand } from '../lib/run-command.mjs';

const HELP =
  'promtool is needed: install the package prometheus (Debian, Ubuntu, Homebrew), or see ' +
  'https://prometheus.io/download';

/**
 * Returns the path of promtool: from the PATH, or extracted from Debian's package prometheus. The
 * package is downloaded but not installed, because only the checker is needed, not the server.
 * @throws Error with instructions for getting it
 */
export async function obtainPromtool() {
  const folder = join(cacheFolder(), 'prometheus');
  const cached = join(folder, 'usr', 'bin', 'promtool');
  const found = findOnPath('promtool') ?? (isExecutable(cached) ? cached : undefined);
  if (found !== undefined) return found;
  if (!findOnPath('apt-get') || !findOnPath('dpkg-deb')) throw new Error(HELP);
  console.error('Getting promtool from the package prometheus ...');
  mkdirSync(cacheFolder(), { recursive: true });
  const work = mkdtempSync(join(cacheFolder(), 'prometheus-'));
  try {
    await download(work);
    const [archive] = readdirSync(work).filter((name) => name.endsWith('.deb'));
    await run('dpkg-deb', ['--extract', archive, 'package'], work);
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, 'package'), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return cached;
}

/** A new machine has no package list yet. */
async function download(folder) {
  try {
    await run('apt-get', ['download', 'prometheus'], folder);
  } catch {
    await run('apt-get', ['update'], folder);
    await run('apt-get', ['download', 'prometheus'], folder);
  }
}

async function run(command, args, cwd) {
  const { code, output } = await runCommand(command, args, { cwd });
  if (code !== 0) throw new Error(`${command} ${args[0]}: ${lastLine(output)}\n${HELP}`);
}
