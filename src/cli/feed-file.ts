import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FeedFile } from '../feeding/parse-feed.ts';
import { CliError } from './errors.ts';

/** Reads a file that the user named. */
export async function readFeedFile(path: string): Promise<FeedFile> {
  return { name: basename(path), text: await readTextFile(path) };
}

/** Which file it was, for the record. */
export function describeFeedFile({ name, text }: FeedFile) {
  return {
    file_name: name,
    file_sha256: hash('sha256', text),
    file_bytes: Buffer.byteLength(text),
  };
}

/** @throws CliError */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CliError(`There is no file ${path}`);
    throw new CliError(`${path} can't be read: ${(error as Error).message}`, { cause: error });
  }
}
