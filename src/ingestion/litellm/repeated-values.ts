/** The bytes by which a value is looked up; shorter ones aren't remembered. */
const KEY_BYTES = 64;
/** Nor are longer ones: together they take half a megabyte at most. */
const MAX_BYTES = 16 * 1024;
const MAX_VALUES = 32;

/** Remembers values that were read to their end, to recognise them where they are repeated byte for byte. */
export class RepeatedValues {
  readonly #values = new Map<string, Buffer>();

  /** Returns the length of the value at this position; 0 if it isn't known. */
  lengthAt(chunk: Buffer, at: number): number {
    const value = this.#values.get(keyOf(chunk, at));
    if (value === undefined) return 0;
    const { length } = value;
    const isWhole = at + length <= chunk.length;
    return isWhole && chunk.compare(value, 0, length, at, at + length) === 0 ? length : 0;
  }

  add(value: Buffer): void {
    if (value.length < KEY_BYTES || value.length > MAX_BYTES) return;
    if (this.#values.size >= MAX_VALUES) this.#values.clear();
    this.#values.set(keyOf(value, 0), Buffer.from(value));
  }
}

function keyOf(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, at + KEY_BYTES);
}
