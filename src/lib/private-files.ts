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
 * All files that the product writes: invoices, keys, addresses, state, logs. Only their owner can
 * read them, whatever the umask, and a link of the same name can't redirect a write.
 */

/** Fails if the name exists, even as a link. (Windows has no O_NOFOLLOW; there it is undefined.) */
const { O_NOFOLLOW } = constants as Partial<typeof constants>;
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (O_NOFOLLOW ?? 0);
const OWNER_ONLY = 0o600;

/** Creates a folder that only its owner can enter, and its missing parents. Existing folders stay unchanged. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/**
 * Opens a new file in place of an existing one, for files that are read while they grow, such as logs.
 * @returns the descriptor, which the caller must close
 */
export function openPrivate(path: string): number {
  rmSync(path, { force: true });
  return openSync(path, NEW, OWNER_ONLY);
}

/**
 * Writes a small file synchronously in place of an existing one: for processes that can't wait, and
 * optionally for another user to own.
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
 * Writes a file that appears whole or not at all, even if the machine stops. It has an
 * unpredictable name until all of it is on disk, then replaces any file of its name; links aren't
 * followed.
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

/** Writes a text as a file that appears whole or not at all. */
export function writePrivateFile(path: string, text: string): Promise<void> {
  return writeWhole(path, (append) => append(text));
}
