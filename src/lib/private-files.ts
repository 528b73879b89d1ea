import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fchownSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * The one way in which the product writes files: invoices, keys, addresses, state, logs. Only their owner can read
 * them, whatever the umask, and nobody can lead a write elsewhere by a link of the same name.
 */

/** A name that is there already, as a link too, is refused. (Windows has no O_NOFOLLOW; there it is undefined.) */
const { O_NOFOLLOW } = constants as Partial<typeof constants>;
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (O_NOFOLLOW ?? 0);
const OWNER_ONLY = 0o600;

/** Makes a folder that only its owner can enter, and those above it that are missing. An existing one stays as it is. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/**
 * Opens a new file in place of whatever has its name, for what grows while it is read, such as a log.
 * @returns its descriptor, for the caller to close
 */
export function openPrivate(path: string): number {
  rmSync(path, { force: true });
  return openSync(path, NEW, OWNER_ONLY);
}

/**
 * Writes a small file in place of whatever has its name, at once: for a process that can't wait, and for another
 * user to read.
 */
export function writeAtOnce(
  path: string,
  text: string,
  owner?: { readonly uid: number; readonly gid: number },
): void {
  const file = openPrivate(path);
  try {
    writeFileSync(file, text);
    if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
  } finally {
    closeSync(file);
  }
}

export type Append = (content: string | Buffer) => Promise<void>;

/**
 * Writes a file that appears whole or not at all, also if the machine stops: under another name, which nobody can
 * guess, until all of it is on the disk. What had its name before is replaced, and a link isn't followed.
 */
export async function writeWhole(
  path: string,
  write: (append: Append) => Promise<void>,
): Promise<void> {
  const unfinished = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    await using file = await open(unfinished, NEW, OWNER_ONLY);
    await write((content) => writeFile(file, content));
    await file.sync();
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await rename(unfinished, path);
}

/** The same for a text that is at hand. */
export function writePrivateFile(path: string, text: string): Promise<void> {
  return writeWhole(path, (append) => append(text));
}
