import { HttpProblem } from './problems.ts';

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
