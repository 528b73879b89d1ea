import { hash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { InputFile } from '../catalogue/input-file.ts';
import { readUtf8, sayNotUtf8 } from '../lib/strict-bytes.ts';
import { CliError } from './cli-error.ts';

/**
 * Reads a file named on the command line.
 * @throws CliError
 */
export async function readInputFile(path: string): Promise<InputFile> {
  return { name: basename(path), bytes: await readBytes(path) };
}

/** Name, hash and size of the file, for the audit trail. */
export function describeInputFile({ name, bytes }: InputFile) {
  return {
    file_name: name,
    file_sha256: hash('sha256', bytes),
    file_bytes: bytes.length,
  };
}

/**
 * Reads a text file.
 * @throws CliError, also if it isn't UTF-8
 */
export async function readTextFile(path: string): Promise<string> {
  const read = readUtf8(await readBytes(path));
  if (!read.ok) throw new CliError(sayNotUtf8(path, read.encoding));
  return read.text;
}

/**
 * Returns the size of a file that is read piece by piece, for its progress.
 * @throws CliError
 */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw new CliError(`${path} can't be read`, { cause: error });
  }
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CliError(`There is no file ${path}`);
    throw new CliError(`${path} can't be read: ${(error as Error).message}`, { cause: error });
  }
}
