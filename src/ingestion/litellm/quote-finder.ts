import { BACKSLASH, NEWLINE, QUOTE } from './json-bytes.ts';

/** Finds the quotes that end strings, chunk by chunk. Positions that are asked for never decrease within a chunk. */
export class QuoteFinder {
  readonly #backslash = new NextByte(BACKSLASH);
  readonly #newline = new NextByte(NEWLINE);
  /** Whether a backslash ended the chunk before, in the string. */
  #isEscaped = false;

  beginChunk(): void {
    this.#backslash.reset();
    this.#newline.reset();
  }

  /** Forgets the string that was cut off. */
  forget(): void {
    this.#isEscaped = false;
  }

  /** Returns the position of the next newline; that of the chunk's end if there is none. */
  lineEnd(chunk: Buffer, from: number): number {
    return this.#newline.find(chunk, from);
  }

  /**
   * Returns the position of the quote that ends a string; that of the chunk's end if there is none.
   * @param from in the string
   */
  find(chunk: Buffer, from: number): number {
    const start = this.#isEscaped ? from + 1 : from;
    this.#isEscaped = false;
    for (let at = start; ;) {
      const found = chunk.indexOf(QUOTE, at);
      const quote = found === -1 ? chunk.length : found;
      if (this.#backslash.find(chunk, start) >= quote) return quote;
      let backslashes = 0;
      while (quote - backslashes > start && chunk[quote - backslashes - 1] === BACKSLASH) {
        backslashes += 1;
      }
      const isEscaped = backslashes % 2 === 1;
      if (found === -1) this.#isEscaped = isEscaped;
      if (found === -1 || !isEscaped) return quote;
      at = quote + 1;
    }
  }
}

/** Finds the next occurrence of a byte, and searches again only behind the last one that it found. */
class NextByte {
  readonly #byte: number;
  #at = -1;

  constructor(byte: number) {
    this.#byte = byte;
  }

  reset(): void {
    this.#at = -1;
  }

  find(chunk: Buffer, from: number): number {
    if (this.#at >= from) return this.#at;
    const at = chunk.indexOf(this.#byte, from);
    this.#at = at === -1 ? chunk.length : at;
    return this.#at;
  }
}
