import {
  BACKSLASH,
  BOM,
  CLOSE_LIST,
  COMMA,
  IS_SPACE,
  NEWLINE,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  byteAt,
} from './json-bytes.ts';
import { KeptBytes } from './kept-bytes.ts';
import { ObjectPicker, type PickedObject } from './object-picker.ts';
import type { WantedNames } from './wanted-names.ts';

/** What was found in a body: an object, or something else in its place. */
export interface ScannedEvent extends PickedObject {
  /** The beginning of what isn't an object; empty for an object. */
  readonly text: string;
}

const NO_BYTES = Buffer.alloc(0);

/**
 * Splits a body into objects while it arrives, and picks fields from them. The body is a list, objects one after
 * another (NDJSON) or one object; nothing is kept but the picked values. Anything else in it, and an object that can't
 * be read to its end, is found too, with its flaw.
 *
 * In a list, an object ends where its brackets are closed. Elsewhere it ends at the latest where the next line begins
 * with an object, so that a line that is cut off doesn't take the next one with it.
 */
export class EventScanner {
  readonly #picker: ObjectPicker;
  #found: ScannedEvent[] = [];
  /** Null before the first byte that isn't white space. */
  #isList: boolean | null = null;
  /** Lists that are open. */
  #lists = 0;
  #state: 'outside' | 'object' | 'junk' = 'outside';
  readonly #junk = new KeptBytes();
  #junkBytes = 0;
  #isInString = false;
  #isEscaped = false;
  /** Bytes read. */
  #bytes = 0;

  constructor(wanted: WantedNames) {
    this.#picker = new ObjectPicker(wanted);
  }

  /** Reads a chunk. @returns what ends in it */
  push(chunk: Buffer): readonly ScannedEvent[] {
    let at = 0;
    this.#picker.beginChunk();
    while (at < chunk.length) {
      if (this.#state === 'object') at = this.#readObject(chunk, at);
      else if (this.#state === 'junk') at = this.#readJunk(chunk, at);
      else at = this.#readOutside(chunk, at);
    }
    this.#bytes += chunk.length;
    if (this.#state === 'object') this.#picker.endChunk(chunk);
    if (this.#state === 'junk') this.#junk.endChunk(chunk);
    return this.#take();
  }

  /** Ends the body. @returns what was not complete */
  end(): readonly ScannedEvent[] {
    if (this.#state === 'object') {
      const flaw = 'the body ends in the middle of this event';
      this.#found.push({ ...this.#picker.cutOff(flaw), text: '' });
    } else {
      if (this.#state === 'junk') this.#endJunk(NO_BYTES, 0);
      // What is missing is unknown; the length tells such bodies apart.
      const flaw = 'the body ends before its list does: events may be missing';
      const text = `${this.#bytes} bytes`;
      if (this.#lists > 0) this.#found.push({ fields: new Map(), flaw, text, bytes: 0 });
    }
    return this.#take();
  }

  #take(): readonly ScannedEvent[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #readObject(chunk: Buffer, from: number): number {
    const at = this.#picker.read(chunk, from);
    const picked = this.#picker.take();
    if (picked === null) return at;
    this.#found.push({ ...picked, text: '' });
    this.#state = 'outside';
    return at;
  }

  #readOutside(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = byteAt(chunk, at);
      if (IS_SPACE[byte] === 1 || byte === COMMA) continue;
      if (this.#isList === null && BOM.includes(byte)) continue;
      this.#isList ??= byte === OPEN_LIST;
      if (byte === OPEN_LIST) this.#lists += 1;
      else if (byte === CLOSE_LIST && this.#lists > 0) this.#lists -= 1;
      else if (byte === OPEN_OBJECT) {
        this.#picker.begin(at, !this.#isList);
        this.#state = 'object';
        return at + 1;
      } else {
        this.#junk.begin(at);
        this.#junkBytes = this.#bytes + at;
        this.#isInString = byte === QUOTE;
        this.#isEscaped = false;
        this.#state = 'junk';
        return at + 1;
      }
    }
    return chunk.length;
  }

  /** Reads what isn't an object. It ends with the element of the list, or the line. */
  #readJunk(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = byteAt(chunk, at);
      if (this.#endsJunk(byte)) {
        this.#endJunk(chunk, at);
        return at;
      }
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === QUOTE) this.#isInString = !this.#isInString;
      else if (byte === BACKSLASH) this.#isEscaped = this.#isInString;
    }
    return chunk.length;
  }

  #endsJunk(byte: number): boolean {
    if (byte === NEWLINE) return !this.#isList;
    if (this.#isInString) return false;
    return (
      byte === OPEN_OBJECT || (this.#isList === true && (byte === COMMA || byte === CLOSE_LIST))
    );
  }

  #endJunk(chunk: Buffer, at: number): void {
    const text = this.#junk.endBytes(chunk, at).toString('latin1');
    const bytes = this.#bytes + at - this.#junkBytes;
    this.#found.push({ fields: new Map(), flaw: 'this is not a JSON object', text, bytes });
    this.#state = 'outside';
  }
}
