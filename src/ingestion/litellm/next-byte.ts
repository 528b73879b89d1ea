/** Finds the next occurrence of a byte in a chunk, and searches again only behind the last one that it found. */
export class NextByte {
  readonly #byte: number;
  #at = -1;

  constructor(byte: number) {
    this.#byte = byte;
  }

  /** Must be called before each new chunk. */
  reset(): void {
    this.#at = -1;
  }

  /** Returns the first position at or behind `from`, which never decreases; that of the chunk's end if there is none. */
  find(chunk: Buffer, from: number): number {
    if (this.#at >= from) return this.#at;
    const at = chunk.indexOf(this.#byte, from);
    this.#at = at === -1 ? chunk.length : at;
    return this.#at;
  }
}
