import { HttpProblem } from './problems.ts';
import type { IncomingHttpHeaders } from 'node:http';

/** Default limit for the entries of all lists of a body together. */
export const MAX_ENTRIES = 2_000;
/** Fields of one object. The largest valid object is a quote's usage, with one field per resource kind. */
export const MAX_FIELDS = 1_000;
/** Characters in a field name. */
const MAX_NAME = 200;

/**
 * Rejects a body with too many entries or fields before a schema validates it. Validating an entry costs a
 * hundred times as much as counting it, and 2 MiB can hold 700,000 empty objects.
 * @param body parsed JSON, so it has no cycles
 * @throws HttpProblem `too-large`
 */
export function boundBody(body: unknown, maxEntries: number): void {
  let entries = 0;
  const rest: unknown[] = [body];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      entries += value.length;
      if (entries > maxEntries) {
        throw new HttpProblem(
          'too-large',
          `the lists in the body have more than ${maxEntries} entries in total`,
        );
      }
      // Not spread: one argument per entry would overflow the stack.
      for (const entry of value) rest.push(entry);
    } else {
      for (const field of boundedFields(value)) rest.push(field);
    }
  }
}

function boundedFields(object: object): readonly unknown[] {
  const names = Object.keys(object);
  if (names.length > MAX_FIELDS) {
    throw new HttpProblem('too-large', `an object in the body has more than ${MAX_FIELDS} fields`);
  }
  if (names.some(({ length }) => length > MAX_NAME)) {
    throw new HttpProblem(
      'too-large',
      `a field name in the body has more than ${MAX_NAME} characters`,
    );
  }
  return Object.values(object);
}

/** Body limit for usage and bulk imports: room for 1,000 events of 2,000 characters. */
export const MAX_BULK_BYTES = 2 * 1024 * 1024;
/**
 * Body limit for all other requests: room for a quote with 1,000 resource kinds. Reading 2 MB of field names
 * would block the process for a tenth of a second.
 */
export const MAX_BODY_BYTES = 256 * 1024;

/**
 * Returns the bytes of memory to reserve for a JSON body: its Content-Length. A chunked or compressed body
 * can reach the maximum, so that is reserved instead.
 */
export function bodySize(headers: IncomingHttpHeaders, maxBytes: number): number {
  const length = Number(headers['content-length']);
  const isCompressed = (headers['content-encoding'] ?? 'identity') !== 'identity';
  if (isCompressed || !Number.isSafeInteger(length)) return maxBytes;
  return Math.min(length, maxBytes);
}

/** Memory for request bodies, reserved from before they are read until their responses are sent. */
export interface BodyBudget {
  /**
   * Reserves bytes.
   * @returns a function that releases them; further calls do nothing
   * @throws HttpProblem `overloaded`
   */
  take(bytes: number): () => void;
  /**
   * Reserves bytes once there is room for them, for senders that may not send again. Callers are served in turn.
   * @returns as `take`
   * @throws the reason of the signal, if it ends the wait
   */
  wait(bytes: number, signal: AbortSignal): Promise<() => void>;
}

interface Waiting {
  readonly bytes: number;
  readonly admit: (giveBack: () => void) => void;
}

/**
 * Limits the memory that bodies use together. Without it, many large bodies would be read and parsed before
 * the queue could reject them. A body larger than the whole budget is accepted when it is the only one, so a
 * small budget blocks no request for good.
 */
export function createBodyBudget(maxBytes: number): BodyBudget {
  let taken = 0;
  const queue: Waiting[] = [];
  const hasRoom = (bytes: number) => taken === 0 || taken + bytes <= maxBytes;
  const reserve = (bytes: number) => {
    taken += bytes;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      taken -= bytes;
      admitNext();
    };
  };
  const admitNext = () => {
    for (let next; (next = queue[0]) !== undefined && hasRoom(next.bytes); queue.shift()) {
      next.admit(reserve(next.bytes));
    }
  };
  return {
    take(bytes) {
      // Those that wait go first: they may not send again, and these do.
      if (queue.length === 0 && hasRoom(bytes)) return reserve(bytes);
      throw new HttpProblem(
        'overloaded',
        'too many large requests at once; send the request again',
        {
          headers: { 'Retry-After': '1' },
        },
      );
    },
    async wait(bytes, signal) {
      signal.throwIfAborted();
      if (queue.length === 0 && hasRoom(bytes)) return reserve(bytes);
      const turn = Promise.withResolvers<() => void>();
      const waiting: Waiting = { bytes, admit: turn.resolve };
      const leave = () => {
        const at = queue.indexOf(waiting);
        if (at === -1) return;
        queue.splice(at, 1);
        turn.reject(signal.reason as Error);
        admitNext();
      };
      queue.push(waiting);
      signal.addEventListener('abort', leave);
      try {
        return await turn.promise;
      } finally {
        signal.removeEventListener('abort', leave);
      }
    },
  };
}
