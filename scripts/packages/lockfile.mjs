import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../lib/cache.mjs';

function readJson(name) {
  return JSON.parse(readFileSync(join(PROJECT, name), 'utf8'));
}

/** The project's manifest and its lockfile. */
export function readPackages() {
  return { manifest: readJson('package.json'), lockfile: readJson('package-lock.json') };
}

/** The packages of a lockfile, without the project itself. */
export function lockedPackages({ packages }) {
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => ({
      ...entry,
      path,
      name: entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    }));
}
