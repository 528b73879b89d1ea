import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FAILURE_ADVICE, adviceFor, FAILURE } from '../../src/contracts/failures.ts';
import { forceReRunPayload } from '../../src/contracts/request-payload.ts';
import { DOMAIN_ERROR_CODES } from '../../src/domain/errors.ts';

const GUIDE = readFileSync(new URL('../../docs/operators-guide.md', import.meta.url), 'utf8');
/** All that a tenant can be parked for. */
const TYPES = [...Object.values(FAILURE), ...DOMAIN_ERROR_CODES].toSorted();

describe("the operator's guide", () => {
  test('says of every failure what it means, and of no other', () => {
    const [, section = ''] = GUIDE.split('\n## What each failure means\n');
    const rows = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, type]) => type);
    expect(rows.toSorted()).toEqual(TYPES);
  });

  test('has no signal that would be refused', () => {
    const examples = [...GUIDE.matchAll(/```json\n([^`]*)```/g)].map(([, json = '']) => json);
    expect(examples).not.toEqual([]);
    for (const example of examples) {
      expect(forceReRunPayload.safeParse(JSON.parse(example)).error).toBeUndefined();
    }
  });

  test('names every field of the signal, and no other', () => {
    const [, section = ''] = GUIDE.split('| field ');
    const [table = ''] = section.split('\n\n');
    const fields = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, field]) => field);
    expect(fields.toSorted()).toEqual(Object.keys(forceReRunPayload.shape).toSorted());
  });
});

describe('what to do about a failure', () => {
  test('is said of every type, and of no other', () => {
    expect(Object.keys(FAILURE_ADVICE).toSorted()).toEqual(TYPES);
  });

  test('is said of a type of a later version, too', () => {
    expect(adviceFor('toString')).toBe(adviceFor('invalid_decimal'));
  });
});
