import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';

/**
 * Prints what a command has to say: for people, or with `--json` for programs.
 * @param render makes the text, only where it is wanted
 */
export function print(command: Command, data: unknown, render: () => string): void {
  const { json } = command.optsWithGlobals<{ json?: boolean }>();
  console.log(json ? JSON.stringify(data, null, 2) : render());
}

/** Writes a long text piece by piece, no faster than it is read; a reader that leaves has had enough. */
export async function writeOut(pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(pieces), process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
