/**
 * As much of PostgreSQL's wire protocol (version 3, without TLS) as the proxy needs: where a
 * message ends, and which ones begin or end a transaction.
 */

/** A whole message, with its type and length. */
export interface Message {
  /** One letter; empty for the first message of a client, which has none. */
  readonly type: string;
  readonly bytes: Buffer;
}

/** What clients send before anything else where they would like encryption. */
const ENCRYPTION_REQUESTS = new Set([80877103 /* TLS */, 80877104 /* GSSAPI */]);

const NOTHING: Buffer = Buffer.alloc(0);

/** Cuts what one side sends into whole messages. */
export class MessageSplitter {
  #pending = NOTHING;
  /** Whether the next message has no type. */
  #isStartup: boolean;

  /** @param side the client's first message has no type */
  constructor(side: 'client' | 'server') {
    this.#isStartup = side === 'client';
  }

  /** @returns the messages that are complete by now, in order */
  push(chunk: Buffer): Message[] {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const messages: Message[] = [];
    let start = 0;
    for (;;) {
      const typeLength = this.#isStartup ? 0 : 1;
      if (bytes.length < start + typeLength + 4) break;
      const end = start + typeLength + bytes.readUInt32BE(start + typeLength);
      if (bytes.length < end) break;
      const message = bytes.subarray(start, end);
      messages.push({ type: message.toString('latin1', 0, typeLength), bytes: message });
      if (this.#isStartup) this.#isStartup = isEncryptionRequest(message);
      start = end;
    }
    this.#pending = bytes.subarray(start);
    return messages;
  }
}

/** Whether a client asks for encryption, which is answered by the one letter N. */
export function isEncryptionRequest(bytes: Buffer): boolean {
  return bytes.length === 8 && ENCRYPTION_REQUESTS.has(bytes.readUInt32BE(4));
}

export type Boundary = 'BEGIN' | 'COMMIT';

const BOUNDARIES: ReadonlyMap<string, Boundary> = new Map([
  ['BEGIN', 'BEGIN'],
  ['START TRANSACTION', 'BEGIN'],
  ['COMMIT', 'COMMIT'],
]);
/** Longer ones are other statements: there is no need to read them. */
const LONGEST_BOUNDARY = 60;

/** Which end of a transaction a client's message asks for, if it does. */
export function boundaryOf({ type, bytes }: Message): Boundary | undefined {
  // Query: the statement. Parse: a name and the statement.
  if ((type !== 'Q' && type !== 'P') || bytes.length > LONGEST_BOUNDARY) return undefined;
  const statement = type === 'P' ? bytes.subarray(bytes.indexOf(0, 5) + 1) : bytes.subarray(5);
  return BOUNDARIES.get(textAt(statement, 0));
}

/** Whether the server says that a transaction is committed. */
export function isCommitted({ type, bytes }: Message): boolean {
  return type === 'C' && textAt(bytes, 5) === 'COMMIT';
}

/** The SQLSTATE of an error that the server tells; undefined for any other message. */
export function errorCode({ type, bytes }: Message): string | undefined {
  if (type !== 'E') return undefined;
  for (let at = 5; at < bytes.length && bytes[at] !== 0; at = bytes.indexOf(0, at + 1) + 1) {
    if (bytes[at] === 0x43 /* C */) return textAt(bytes, at + 1);
  }
  return undefined;
}

/** A text that ends at a zero byte. */
function textAt(bytes: Buffer, start: number): string {
  return bytes.toString('utf8', start, bytes.indexOf(0, start));
}
