import { execFileSync } from 'node:child_process';

const HOW_TO_GET_IT =
  'There is no pngquant: install it (Debian: apt-get install pngquant; macOS: brew install pngquant).';

/** @throws Error with instructions if there is no pngquant */
export function checkPngquant(): void {
  try {
    execFileSync('pngquant', ['--version']);
  } catch (cause) {
    throw new Error(HOW_TO_GET_IT, { cause });
  }
}

/** Returns the picture in 256 colours, which looks the same and takes a third of the bytes. */
export function shrink(png: Buffer): Buffer {
  return execFileSync('pngquant', ['--speed', '1', '--strip', '-'], { input: png });
}
