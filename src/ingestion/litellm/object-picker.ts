import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  ENDS_SCALAR,
  IS_BETWEEN,
  IS_STRUCTURE,
  NEWLINE,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  afterSpace,
  byteAt,
  endOfShort,
} from './json-bytes.ts';
import { KeptBytes } from './kept-bytes.ts';
import { QuoteFinder } from './quote-finder.ts';
import { RepeatedValues } from './repeated-values.ts';
import { findWanted, type WantedName, type WantedNames } from './wanted-names.ts';

/** What was picked from an object. */
export interface PickedObject {
  /** The JSON texts of the picked values, by path. Of an object or a list it is only the bracket. */
  readonly fields: ReadonlyMap<string, string>;
  /** What is wrong with the object; null if it could be read to its end. */
  readonly flaw: string | null;
  /** Its length. */
  readonly bytes: number;
}

/** What the next byte belongs to. */
const NOTHING = 0;
const BEFORE_NAME = 1;
const NAME = 2;
const BEFORE_COLON = 3;
const BEFORE_VALUE = 4;
const STRING = 5;
/** A number or a word. */
const SCALAR = 6;
/** An object or a list from which nothing is picked. */
const SKIPPED = 7;
const SKIPPED_STRING = 8;

const NOWHERE = -1;

/**
 * Picks fields from JSON objects, one after another, while their bytes arrive.
 *
 * It is not a JSON parser: it follows strings and brackets, and reads only the names on the way to the picked fields.
 * That takes less time than `JSON.parse`, and a `NaN` that Python wrote somewhere does no harm.
 */
export class ObjectPicker {
  readonly #root: WantedNames;
  #state = NOTHING;
  #picked: PickedObject | null = null;
  /** Whether the object has a line of its own. It then ends with the line at the latest. */
  #isLine = false;
  /** The length of the object up to the start of the chunk; negative if the object begins in it. */
  #before = 0;
  /** The last byte of the chunk before. */
  #previous = 0;
  /** Objects and lists that are open. */
  #depth = 0;
  /** The wanted names of the open objects on the way to picked fields; the others are skipped. */
  readonly #levels: WantedNames[] = [];
  #fields = new Map<string, string>();
  #flaw: string | null = null;
  #wanted: WantedName | null = null;
  /** Whether the value is one that other objects repeat. */
  #isRepeated = false;
  /** Where such a value begins in the chunk. */
  #repeatedFrom = NOWHERE;
  readonly #repeated = new RepeatedValues();
  readonly #kept = new KeptBytes();
  readonly #quotes = new QuoteFinder();

  constructor(wanted: WantedNames) {
    this.#root = wanted;
  }

  /** Begins an object. @param at the position of its bracket in the chunk */
  begin(at: number, isLine: boolean): void {
    this.#isLine = isLine;
    this.#before = -at;
    this.#fields = new Map();
    this.#flaw = null;
    this.#depth = 1;
    this.#levels.push(this.#root);
    this.#state = BEFORE_NAME;
  }

  /** Must be called before each chunk. */
  beginChunk(): void {
    this.#quotes.beginChunk();
  }

  /** Reads on. @returns the position up to which it has read: the chunk's end, or that of the object */
  read(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.#state !== NOTHING) at = this.#step(chunk, at);
    return at;
  }

  /** Must be called at the end of each chunk in which an object is open. */
  endChunk(chunk: Buffer): void {
    this.#kept.endChunk(chunk);
    this.#repeatedFrom = NOWHERE;
    this.#before += chunk.length;
    this.#previous = chunk.at(-1) ?? this.#previous;
  }

  /** Returns the object that has ended, once; null if none has. */
  take(): PickedObject | null {
    const picked = this.#picked;
    this.#picked = null;
    return picked;
  }

  /** Ends the object where the body ends. */
  cutOff(flaw: string): PickedObject {
    this.#flaw ??= flaw;
    return this.#end(0);
  }

  #end(at: number): PickedObject {
    const picked = { fields: this.#fields, flaw: this.#flaw, bytes: this.#before + at };
    this.#picked = picked;
    this.#levels.length = 0;
    this.#repeatedFrom = NOWHERE;
    this.#kept.drop();
    this.#quotes.forget();
    this.#state = NOTHING;
    return picked;
  }

  #endWithLine(at: number): number {
    this.#flaw ??= 'the line ends in the middle of this event';
    this.#end(at);
    return at;
  }

  /** Gives up reading the object: the rest of it is skipped. */
  #giveUp(chunk: Buffer, at: number): number {
    if (this.#startsLine(chunk, at)) return this.#endWithLine(at);
    this.#flaw ??= `this event is not JSON: see its byte ${this.#before + at + 1}`;
    this.#levels.length = 0;
    this.#state = SKIPPED;
    return at;
  }

  /** Whether another object begins here on a line of its own. */
  #startsLine(chunk: Buffer, at: number): boolean {
    if (!this.#isLine || byteAt(chunk, at) !== OPEN_OBJECT) return false;
    return (at === 0 ? this.#previous : chunk[at - 1]) === NEWLINE;
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case BEFORE_NAME:
        return this.#readBeforeName(chunk, at);
      case BEFORE_COLON:
        return this.#readColon(chunk, at);
      case BEFORE_VALUE:
        return this.#readBeforeValue(chunk, at);
      case SCALAR:
        return this.#readScalar(chunk, at);
      case SKIPPED:
        return this.#skip(chunk, at);
      default:
        return this.#readString(chunk, at);
    }
  }

  #readBeforeName(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && IS_BETWEEN[byteAt(chunk, at)] === 1) at += 1;
    if (at === chunk.length) return at;
    const byte = byteAt(chunk, at);
    if (byte === QUOTE) return this.#readName(chunk, at + 1);
    if (byte !== CLOSE_OBJECT) return this.#giveUp(chunk, at);
    this.#depth -= 1;
    this.#levels.pop();
    if (this.#depth === 0) this.#end(at + 1);
    return at + 1;
  }

  /** Reads a short name that the chunk has whole; begins any other. */
  #readName(chunk: Buffer, from: number): number {
    const end = endOfShort(chunk, from);
    if (end === null) {
      this.#kept.begin(from);
      this.#state = NAME;
      return from;
    }
    this.#endName(chunk, from, end);
    return this.#readColon(chunk, end + 1);
  }

  #endName(bytes: Buffer, start: number, end: number): void {
    const wanted = findWanted(this.#names, bytes, start, end);
    this.#isRepeated = wanted?.isRepeated ?? false;
    this.#wanted = this.#isRepeated ? null : wanted;
  }

  #readColon(chunk: Buffer, from: number): number {
    this.#state = BEFORE_COLON;
    const at = afterSpace(chunk, from);
    if (at === chunk.length) return at;
    if (byteAt(chunk, at) !== COLON) return this.#giveUp(chunk, at);
    return this.#readBeforeValue(chunk, at + 1);
  }

  #readBeforeValue(chunk: Buffer, from: number): number {
    this.#state = BEFORE_VALUE;
    const at = afterSpace(chunk, from);
    if (at === chunk.length) return at;
    if (this.#wanted !== null && this.#fields.has(this.#wanted.path)) {
      // Readers differ in which one counts.
      this.#flaw ??= `${this.#wanted.path} appears twice`;
      this.#wanted = null;
    }
    const byte = byteAt(chunk, at);
    switch (byte) {
      case OPEN_OBJECT:
      case OPEN_LIST:
        return this.#startsLine(chunk, at) ? this.#endWithLine(at) : this.#open(chunk, at);
      case COMMA:
      case COLON:
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        return this.#giveUp(chunk, at);
      default:
        if (this.#wanted !== null) this.#kept.begin(at);
        this.#state = byte === QUOTE ? STRING : SCALAR;
        return byte === QUOTE ? this.#readValue(chunk, at + 1) : this.#readScalar(chunk, at + 1);
    }
  }

  #open(chunk: Buffer, at: number): number {
    if (this.#isRepeated) {
      const known = this.#repeated.lengthAt(chunk, at);
      if (known > 0) {
        this.#state = BEFORE_NAME;
        return at + known;
      }
      this.#repeatedFrom = at;
    }
    const byte = byteAt(chunk, at);
    const wanted = this.#wanted;
    if (wanted !== null) this.#fields.set(wanted.path, String.fromCharCode(byte));
    this.#depth += 1;
    if (byte === OPEN_OBJECT && wanted?.inside) {
      this.#levels.push(wanted.inside);
      this.#state = BEFORE_NAME;
    } else this.#state = SKIPPED;
    return at + 1;
  }

  #readScalar(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && ENDS_SCALAR[byteAt(chunk, at)] === 0) at += 1;
    if (at === chunk.length) return at;
    if (this.#wanted !== null) {
      const text = this.#kept.end(chunk, at) ?? '';
      // The beginning of a number is another number.
      this.#fields.set(this.#wanted.path, this.#kept.isCut ? `${text}…` : text);
    }
    this.#state = BEFORE_NAME;
    return at;
  }

  #skip(chunk: Buffer, from: number): number {
    const { length } = chunk;
    const ends = this.#levels.length;
    let at = from;
    for (;;) {
      while (at < length && IS_STRUCTURE[byteAt(chunk, at)] === 0) at += 1;
      if (at === length) return at;
      const byte = byteAt(chunk, at);
      if (byte === QUOTE) {
        const end = endOfShort(chunk, at + 1);
        if (end !== null) {
          at = end + 1;
          continue;
        }
        this.#state = SKIPPED_STRING;
        at = this.#readString(chunk, at + 1);
        if (this.#state !== SKIPPED) return at;
        continue;
      }
      if (byte === OPEN_OBJECT && this.#startsLine(chunk, at)) return this.#endWithLine(at);
      at += 1;
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        this.#depth += 1;
        continue;
      }
      this.#depth -= 1;
      if (this.#depth > ends) continue;
      if (this.#depth === 0) this.#end(at);
      else this.#endSkipped(chunk, at);
      return at;
    }
  }

  #endSkipped(chunk: Buffer, at: number): void {
    if (this.#repeatedFrom !== NOWHERE) this.#repeated.add(chunk.subarray(this.#repeatedFrom, at));
    this.#repeatedFrom = NOWHERE;
    this.#state = BEFORE_NAME;
  }

  /** Reads a string that is the value of a field. */
  #readValue(chunk: Buffer, from: number): number {
    const end = endOfShort(chunk, from);
    return end === null ? this.#readString(chunk, from) : this.#endString(chunk, end);
  }

  /** Reads to the end of a string of any kind. */
  #readString(chunk: Buffer, from: number): number {
    const end = this.#quotes.find(chunk, from);
    if (this.#isLine) {
      // A line can't end in a string.
      const newline = this.#quotes.lineEnd(chunk, from);
      if (newline < end) return this.#endWithLine(newline);
    }
    return end === chunk.length ? end : this.#endString(chunk, end);
  }

  /** @param at the position of the closing quote */
  #endString(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case SKIPPED_STRING:
        this.#state = SKIPPED;
        return at + 1;
      case NAME: {
        const name = unescaped(this.#kept.endBytes(chunk, at));
        this.#endName(name, 0, name.length);
        this.#state = BEFORE_COLON;
        return at + 1;
      }
      default:
        if (this.#wanted !== null) this.#endText(this.#wanted, chunk, at);
        this.#state = BEFORE_NAME;
        return at + 1;
    }
  }

  #endText({ path }: WantedName, chunk: Buffer, at: number): void {
    const text = this.#kept.end(chunk, at);
    if (text === null) this.#flaw ??= `${path} is not UTF-8`;
    this.#fields.set(path, `${text ?? '"'}"`);
  }

  get #names(): WantedNames {
    return this.#levels[this.#levels.length - 1] ?? [];
  }
}

/** `"a"` and `"\u0061"` are one name. */
function unescaped(name: Buffer): Buffer {
  if (!name.includes(BACKSLASH)) return name;
  try {
    return Buffer.from(JSON.parse(`"${name.toString()}"`) as string);
  } catch {
    return name;
  }
}
