import type { z } from 'zod';

/** Readable names of types that were expected or found. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
  date: 'a date',
};

const FORMATS: Readonly<Record<string, string>> = {
  url: 'a URL',
  uuid: 'a UUID',
  email: 'an e-mail address',
  datetime: 'an RFC 3339 instant such as 2026-05-01T00:00:00Z',
  date: 'a date such as 2026-05-01',
};

/**
 * Explains zod's issues to the author of the value. Pass it to each parse of data from outside (`{
 * error: explainIssue }`). A schema's own messages take precedence.
 */
export const explainIssue: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined && issue.code !== 'custom') return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return explainType(issue.expected, issue.input);
    case 'invalid_value':
      return oneOf(issue.values);
    case 'too_small':
      return issue.minimum === 1 && isSized(issue.origin)
        ? 'is empty'
        : `expected ${leastOf(issue)}${unitOf(issue.origin)}`;
    case 'too_big':
      return `expected ${mostOf(issue)}${unitOf(issue.origin)}`;
    case 'invalid_format':
      return `expected ${FORMATS[issue.format] ?? `text that matches ${issue.pattern ?? issue.format}`}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
      return `unknown field ${listSome(issue.keys)}`;
    case 'invalid_union':
      return Array.isArray(issue.options) && issue.options.length > 0
        ? oneOf(issue.options)
        : 'is in none of the forms that are known';
    case 'invalid_key':
      return 'has a name that is not expected';
    case 'invalid_element':
    case 'custom':
      return undefined;
  }
};

/** Joins a location and a message: `name is missing`, `qty: expected a number, not text`. */
export function sayOf(place: string, message: string): string {
  if (place === '') return message;
  return /^(?:is|has) /.test(message) ? `${place} ${message}` : `${place}: ${message}`;
}

function explainType(expected: string, input: unknown): string {
  const wanted = `expected ${TYPES[expected] ?? expected}`;
  const found = typeOf(input);
  // Text that isn't a number has become NaN by now, and 1.5 is a number as well.
  return found === 'number' ? wanted : `${wanted}, not ${TYPES[found] ?? found}`;
}

function typeOf(input: unknown): string {
  if (input === null) return 'null';
  return Array.isArray(input) ? 'array' : typeof input;
}

/** Lists quoted names; beyond ten, the first ten and the number of others. */
function listSome(names: readonly string[]): string {
  const shown = names.slice(0, MAX_SHOWN_NAMES).map((name) => JSON.stringify(name));
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const MAX_SHOWN_NAMES = 10;

function oneOf(values: readonly unknown[]): string {
  const list = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  return list.length === 1 ? `expected ${list[0]}` : `expected one of ${list.join(', ')}`;
}

function isSized(origin: string): boolean {
  return unitOf(origin) !== '';
}

function leastOf({
  minimum,
  inclusive = true,
  exact = false,
}: Pick<z.core.$ZodIssueTooSmall, 'minimum' | 'inclusive' | 'exact'>): string {
  if (exact) return `exactly ${minimum}`;
  return inclusive ? `at least ${minimum}` : `more than ${minimum}`;
}

function mostOf({
  maximum,
  inclusive = true,
  exact = false,
}: Pick<z.core.$ZodIssueTooBig, 'maximum' | 'inclusive' | 'exact'>): string {
  if (exact) return `exactly ${maximum}`;
  return inclusive ? `at most ${maximum}` : `less than ${maximum}`;
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'set' || origin === 'map' ? ' entries' : '';
}
