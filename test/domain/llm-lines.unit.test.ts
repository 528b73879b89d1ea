import { expect, test } from 'vitest';
import { Decimal } from '../../src/domain/decimal.ts';
import { byCost, llmUsageLine } from '../../src/domain/llm-lines.ts';
import { domainError } from './_arbitraries.ts';

const usage = {
  deploymentId: 'dep_a',
  requestCount: '3',
  exactCents: '12.500000000000',
  serviceMonth: '2026-05',
  invoiceMonth: '2026-05',
};

test("a month's line has the exact and the rounded sum", () => {
  expect(llmUsageLine(usage)).toStrictEqual({
    kind: 'llm_usage',
    resourceKind: null,
    description: 'LLM usage',
    qty: '3',
    unit: 'request',
    unitPriceCents: null,
    amountCents: 13,
    meta: { exact_cents: '12.5' },
  });
});

test('a line of late usage names its service month', () => {
  expect(llmUsageLine({ ...usage, serviceMonth: '2026-04' })).toMatchObject({
    description: 'LLM usage, late for 2026-04',
    meta: { exact_cents: '12.5', service_month: '2026-04' },
  });
  expect(llmUsageLine({ ...usage, serviceMonth: '2025-12' })).toMatchObject({
    description: 'LLM usage, late for 2025-12',
  });
});

test('a line has its models, ordered by name, all others last', () => {
  const other = { model: '', requestCount: '1', exactCents: '0.500' };
  const small = { model: 'small-1', requestCount: 1, exactCents: '2' };
  const large = { model: 'large-2', requestCount: '1', exactCents: '10.000000000000' };
  for (const byModel of [
    [other, small, large],
    [small, other, large],
    [large, small, other],
  ]) {
    expect(llmUsageLine({ ...usage, byModel }).meta).toStrictEqual({
      exact_cents: '12.5',
      by_model: [
        { model: 'large-2', requests: '1', exact_cents: '10' },
        { model: 'small-1', requests: '1', exact_cents: '2' },
        { model: null, requests: '1', exact_cents: '0.5' },
      ],
    });
  }
});

test('people see the most expensive model first, equal ones by name, all others last', () => {
  const cost = (model: string | null, cents: number) => ({ model, cents: new Decimal(cents) });
  const expected = [cost('z', 9), cost('a', 5), cost('b', 5), cost(null, 7)];
  const [z, a, b, other] = expected;
  for (const models of [
    [other!, b!, a!, z!],
    [b!, other!, z!, a!],
    [z!, a!, other!, b!],
  ]) {
    expect(models.toSorted(byCost)).toEqual(expected);
  }
});

test('a sum that rounds to zero still gets a line', () => {
  expect(llmUsageLine({ ...usage, exactCents: '0.4', requestCount: 1 })).toMatchObject({
    qty: '1',
    amountCents: 0,
    meta: { exact_cents: '0.4' },
  });
});

test('rejects usage of a future month', () => {
  expect(() => llmUsageLine({ ...usage, serviceMonth: '2026-06' })).toThrow(
    expect.objectContaining(domainError('invalid_month')),
  );
});

test.each(['1.5', -1, 0.5, 'many'])('rejects %j as a number of requests', (requestCount) => {
  expect(() => llmUsageLine({ ...usage, requestCount })).toThrow(
    expect.objectContaining({
      ...domainError('invalid_quantity'),
      message: expect.stringContaining('deployment dep_a'),
    }),
  );
});

test('rejects charges that are not exact decimals or exceed 2^53 cents', () => {
  expect(() => llmUsageLine({ ...usage, exactCents: '-1' })).toThrow(
    expect.objectContaining(domainError('invalid_decimal')),
  );
  expect(() => llmUsageLine({ ...usage, exactCents: '9007199254740991.5' })).toThrow(
    expect.objectContaining(domainError('amount_out_of_range')),
  );
});
