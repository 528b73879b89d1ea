import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FAILURE_ADVICE, adviceFor, FAILURE } from '../../src/contracts/failures.ts';
import { forceReRunPayload, releasePayload } from '../../src/contracts/request-payload.ts';
import { DOMAIN_ERROR_CODES } from '../../src/domain/errors.ts';

const GUIDE = readFileSync(new URL('../../docs/operators-guide.md', import.meta.url), 'utf8');
/** Every type of failure that can park a tenant. */
const TYPES = [...Object.values(FAILURE), ...DOMAIN_ERROR_CODES].toSorted();

describe("the operator's guide", () => {
  test('explains every failure type and no other', () => {
    const [, section = ''] = GUIDE.split('\n## What each failure means\n');
    const rows = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, type]) => type);
    expect(rows.toSorted()).toEqual(TYPES);
  });

  test('shows only signals that would be accepted', () => {
    const examples = [...GUIDE.matchAll(/```json\n([^`]*)```/g)].map(([, json = '']) => json);
    expect(examples).not.toEqual([]);
    for (const example of examples) {
      const payload: unknown = JSON.parse(example);
      const schemas = [forceReRunPayload, releasePayload];
      expect(
        schemas.some((schema) => schema.safeParse(payload).success),
        example,
      ).toBe(true);
    }
  });

  test('names exactly the fields of the signal', () => {
    const [, section = ''] = GUIDE.split('| field ');
    const [table = ''] = section.split('\n\n');
    const fields = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, field]) => field);
    expect(fields.toSorted()).toEqual(Object.keys(forceReRunPayload.shape).toSorted());
  });
});

describe('advice about a failure', () => {
  test('exists for every type and no other', () => {
    expect(Object.keys(FAILURE_ADVICE).toSorted()).toEqual(TYPES);
  });

  test('exists for types of a later version', () => {
    expect(adviceFor('toString')).toBe(adviceFor('invalid_decimal'));
  });
});
