import { describe, expect, test } from 'vitest';
import { boundBody } from '../../src/api/http/body-limits.ts';
import { HttpProblem } from '../../src/api/http/problems.ts';
import { explainIssue } from '../../src/lib/explain-issue.ts';
import { subscriptionsFile } from '../../src/catalogue/subscriptions-file.ts';
import { MAX_ERRORS, toFieldErrors } from '../../src/ingestion/field-errors.ts';

const list = (length: number, entry: unknown = {}) => Array.from({ length }, () => entry);
const fields = (length: number) =>
  Object.fromEntries(Array.from({ length }, (_, index) => [`f${index}`, 1]));

function problemOf(body: unknown, maxEntries = 10): string | null {
  try {
    boundBody(body, maxEntries);
    return null;
  } catch (error) {
    if (error instanceof HttpProblem) return error.problem;
    throw error;
  }
}

/** Throws on any access to a property. */
const UNTOUCHABLE = new Proxy(
  {},
  {
    ownKeys: () => {
      throw new Error('this entry was looked at');
    },
  },
);

describe('a body', () => {
  test.each([
    ['no body', undefined],
    ['null', null],
    ['as many entries as allowed', { tenants: list(10) }],
    ['as many fields as allowed', { usage: fields(1000) }],
    ['a name as long as allowed', { ['x'.repeat(200)]: 1 }],
  ])('passes with %s', (_, body) => {
    expect(problemOf(body)).toBeNull();
  });

  test.each([
    ['more entries', { tenants: list(11) }],
    ['more entries in nested lists together', { tenants: list(3, { deployments: list(3) }) }],
    ['more fields', { usage: fields(1001) }],
    ['a longer name', { list: [{ ['x'.repeat(201)]: 1 }] }],
    ['a list of its own', list(11)],
  ])('is too large with %s', (_, body) => {
    expect(problemOf(body)).toBe('too-large');
  });

  test('is counted before any entry is read', () => {
    expect(problemOf({ tenants: list(11, UNTOUCHABLE) })).toBe('too-large');
    expect(() => problemOf({ tenants: list(10, UNTOUCHABLE) })).toThrow('was looked at');
  });
});

test('reports the first twenty of thousands of errors', () => {
  const { error } = subscriptionsFile.safeParse(
    { tenants: [{ ...fields(1000), tenant_id: 'acme' }, ...list(1000)] },
    { error: explainIssue },
  );
  expect(toFieldErrors(error!.issues)).toHaveLength(MAX_ERRORS);
});
