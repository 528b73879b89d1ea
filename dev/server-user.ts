import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync } from 'node:fs';

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
