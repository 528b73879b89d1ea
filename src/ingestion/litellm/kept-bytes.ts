import { isUtf8 } from 'node:buffer';

/** Bytes of a token that are kept; of a longer one, the beginning. */
export const MAX_KEPT_BYTES = 16 * 1024;

const NOTHING = -1;
const ASCII = /^[\0-\x7f]*$/;

/** Keeps the bytes of one token at a time, also if it spans chunks. */
export class KeptBytes {
  /** Where the token begins in the current chunk, or continues. */
  #from = NOTHING;
  /** Its bytes in the chunks before. */
  #parts: Buffer[] = [];
  #length = 0;
  #isCut = false;

  /** Whether the last token was too long to keep whole. */
  get isCut(): boolean {
    return this.#isCut;
  }

  begin(at: number): void {
    this.drop();
    this.#from = at;
  }

  drop(): void {
    this.#from = NOTHING;
    this.#isCut = false;
    if (this.#length === 0) return;
    this.#parts = [];
    this.#length = 0;
  }

  /** Ends the token. @returns its text; null if it isn't UTF-8 */
  end(chunk: Buffer, at: number): string | null {
    const from = this.#from;
    if (this.#length === 0 && at - from <= MAX_KEPT_BYTES) {
      const text = chunk.toString('latin1', from, at);
      if (ASCII.test(text)) {
        this.#from = NOTHING;
        return text;
      }
    }
    const bytes = this.endBytes(chunk, at);
    return isUtf8(bytes) ? bytes.toString() : null;
  }

  /** The same, as bytes that are valid as long as the chunk. */
  endBytes(chunk: Buffer, at: number): Buffer {
    const from = this.#from;
    this.#from = NOTHING;
    if (this.#length === 0) {
      this.#isCut = at - from > MAX_KEPT_BYTES;
      return chunk.subarray(from, this.#isCut ? from + MAX_KEPT_BYTES : at);
    }
    this.#add(chunk.subarray(from, at));
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return bytes;
  }

  /** Keeps what has begun, because the chunk is about to go. */
  endChunk(chunk: Buffer): void {
    if (this.#from === NOTHING) return;
    this.#add(chunk.subarray(this.#from));
    this.#from = 0;
  }

  #add(bytes: Buffer): void {
    const room = MAX_KEPT_BYTES - this.#length;
    this.#isCut ||= bytes.length > room;
    // A copy: the few bytes would otherwise keep the whole chunk in memory.
    const kept = Buffer.from(bytes.subarray(0, room));
    if (kept.length > 0) this.#parts.push(kept);
    this.#length += kept.length;
  }
}
