import { HttpProblem } from './problems.ts';
import type { IncomingHttpHeaders } from 'node:http';

/** Entries of all lists of a body together, where a route doesn't say another number. */
export const MAX_ENTRIES = 2_000;
/** Fields of one object: the most that a request needs are the kinds of a quote's usage. */
export const MAX_FIELDS = 1_000;
/** Characters of a field's name. */
const MAX_NAME = 200;

/**
 * Counts what a body holds before a schema looks at each part: a check of an entry costs a hundred times
 * what counting it does, and 2 MiB hold 700,000 empty objects. It stops at the first bound.
 * @param body as JSON makes it, so that it has no cycles
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
          `the lists of this body have more than ${maxEntries} entries together`,
        );
      }
      // Not spread: an argument each would overflow the stack.
      for (const entry of value) rest.push(entry);
    } else {
      for (const field of boundedFields(value)) rest.push(field);
    }
  }
}

function boundedFields(object: object): readonly unknown[] {
  const names = Object.keys(object);
  if (names.length > MAX_FIELDS) {
    throw new HttpProblem('too-large', `an object of this body has more than ${MAX_FIELDS} fields`);
  }
  if (names.some(({ length }) => length > MAX_NAME)) {
    throw new HttpProblem(
      'too-large',
      `a field of this body has a name of more than ${MAX_NAME} characters`,
    );
  }
  return Object.values(object);
}

/** Of usage and feeds in bulk: room for 1,000 events of 2,000 characters. */
export const MAX_BULK_BYTES = 2 * 1024 * 1024;
/**
 * Of everything else: room for a quote with 1,000 resource kinds. Reading the names of 2 MB takes a tenth
 * of a second, in which nobody else is answered.
 */
export const MAX_BODY_BYTES = 256 * 1024;

/**
 * What a JSON body may take in memory: what it says, as far as that can be relied upon. One that
 * comes in chunks, or compressed, may come to anything that is allowed.
 */
export function bodySize(headers: IncomingHttpHeaders, maxBytes: number): number {
  const length = Number(headers['content-length']);
  const isCompressed = (headers['content-encoding'] ?? 'identity') !== 'identity';
  if (isCompressed || !Number.isSafeInteger(length)) return maxBytes;
  return Math.min(length, maxBytes);
}

/** Memory for bodies: from before they are read until their requests are answered. */
export interface BodyBudget {
  /**
   * @returns what gives the bytes back, once
   * @throws HttpProblem `overloaded`
   */
  take(bytes: number): () => void;
}

/**
 * Without it many large bodies at once would be read and parsed before the queue could refuse them.
 * A body larger than the whole is taken when it is alone, so that a small budget stops nobody.
 */
export function createBodyBudget(maxBytes: number): BodyBudget {
  let taken = 0;
  return {
    take(bytes) {
      if (taken > 0 && taken + bytes > maxBytes) {
        throw new HttpProblem('overloaded', 'too many bodies at once; send it again', {
          headers: { 'Retry-After': '1' },
        });
      }
      taken += bytes;
      let isHeld = true;
      return () => {
        if (isHeld) taken -= bytes;
        isHeld = false;
      };
    },
  };
}
