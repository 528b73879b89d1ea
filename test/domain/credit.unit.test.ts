import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  creditsGiven,
  findCredited,
  leftToCredit,
  lineOfCredit,
  type DocumentLine,
} from '../../src/domain/credit.ts';
import { placedLine } from './_lines.ts';

const NUMBER = 'acme-000001';
const NOTE = 'acme-A000001';

const line = ({ number = NUMBER, ...fields }: Partial<DocumentLine> = {}): DocumentLine => ({
  ...placedLine(fields),
  number,
});
const overage = line({
  lineNo: 2,
  kind: 'overage',
  description: 'Hours overage',
  amountCents: 700,
});
const credit = (amountCents: number, { number, lineNo } = line()) => ({
  ...{ number, lineNo, amountCents },
});

describe('what is left of a line', () => {
  test.each<[what: string, DocumentLine, DocumentLine[], ReturnType<typeof credit>[], number]>([
    ['its amount', line(), [line(), overage], [], 5000],
    ['less the credits on it', line(), [line(), overage], [credit(1200), credit(300)], 3500],
    ['whatever was credited elsewhere', line(), [line(), overage], [credit(700, overage)], 5000],
    [
      'with what a rerun added',
      overage,
      [overage, { ...overage, number: NOTE, lineNo: 1, amountCents: 50 }],
      [],
      750,
    ],
    [
      'from the line of the note as well',
      { ...overage, number: NOTE, lineNo: 1, amountCents: 50 },
      [overage, { ...overage, number: NOTE, lineNo: 1, amountCents: 50 }],
      [credit(600, overage)],
      150,
    ],
    [
      'nothing, once a rerun has taken it back',
      overage,
      [overage, { ...overage, number: NOTE, lineNo: 1, amountCents: -700 }],
      [],
      0,
    ],
    [
      'less than nothing, if a rerun took back what had been credited',
      overage,
      [overage, { ...overage, number: NOTE, lineNo: 1, amountCents: -700 }],
      [credit(500, overage)],
      -500,
    ],
    [
      'without what another subscription pays for the same',
      line({ amountCents: 3065 }),
      [line({ amountCents: 3065 }), line({ lineNo: 2, subscriptionId: 'new', amountCents: 3097 })],
      [],
      3065,
    ],
    [
      'no more than is charged for the purpose, whichever subscription a note names',
      line(),
      [line(), line({ number: NOTE, subscriptionId: 'new', amountCents: -1935 })],
      [],
      3065,
    ],
  ])('is %s', (_what, of, charged, given, left) => {
    expect(leftToCredit(of, charged, given)).toBe(left);
  });

  test('never allows credits beyond what is charged, in any order and on whichever document', () => {
    const amounts = fc.array(fc.integer({ min: -900, max: 900 }), { minLength: 1, maxLength: 6 });
    const tries = fc.array(fc.record({ at: fc.nat(5), of: fc.integer({ min: 1, max: 1000 }) }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(amounts, tries, (charges, wanted) => {
        const charged = charges.map((amountCents, at) =>
          line({ number: at === 0 ? NUMBER : `acme-A${at}`, amountCents }),
        );
        const given: ReturnType<typeof credit>[] = [];
        for (const { at, of } of wanted) {
          const credited = charged[at % charged.length]!;
          if (of <= leftToCredit(credited, charged, given)) given.push(credit(of, credited));
        }
        const total = charges.reduce((sum, cents) => sum + cents, 0);
        const credits = given.reduce((sum, { amountCents }) => sum + amountCents, 0);
        expect(credits).toBeLessThanOrEqual(Math.max(total, 0));
      }),
    );
  });
});

describe('the line of a credit', () => {
  const { kind, description, amountCents, qty, unit, unitPriceCents, meta, deploymentId } =
    lineOfCredit(overage, 250);

  test('is negative, and names the line that it credits', () => {
    expect({
      kind,
      description,
      amountCents,
      qty,
      unit,
      unitPriceCents,
      meta,
      deploymentId,
    }).toEqual({
      kind: 'credit',
      description: 'Credit: Hours overage',
      amountCents: -250,
      qty: '1',
      unit: 'credit',
      unitPriceCents: null,
      meta: { credited_number: NUMBER, credited_line_no: 2, credited_kind: 'overage' },
      deploymentId: 'web',
    });
  });

  test('keeps what the name of the line is made of, and nothing else', () => {
    const names = { plan_version_id: 'studio-v1', plan_name: 'Studio', service_month: '2026-04' };
    const addon = { addon_code: 'more', addon_name: 'More', resource_name: 'Storage' };
    const named = line({ ...overage, meta: { ...names, ...addon, used: '150' } });
    expect(lineOfCredit(named, 1).meta).toStrictEqual({
      ...{ credited_number: NUMBER, credited_line_no: 2, credited_kind: 'overage' },
      ...{ ...names, ...addon },
    });
  });

  test('is read back as the credit that it gives', () => {
    const lines = [
      line({ ...lineOfCredit(overage, 250), lineNo: 1 }),
      line({ lineNo: 2, kind: 'tax' }),
    ];
    expect(creditsGiven(lines)).toEqual([{ number: NUMBER, lineNo: 2, amountCents: 250 }]);
    expect(creditsGiven([line(), overage])).toEqual([]);
  });

  test('are only lines of the kind credit that name an invoice and a line', () => {
    const { meta, ...rest } = line({ ...lineOfCredit(overage, 250), lineNo: 1 });
    const [credited_number, credited_line_no] = [meta.credited_number!, meta.credited_line_no!];
    const others = [
      { ...rest, kind: 'overage' as const, meta },
      { ...rest, meta: { credited_number } },
      { ...rest, meta: { credited_line_no } },
    ];
    expect(creditsGiven(others)).toEqual([]);
  });
});

test('a credit finds the line with its number on the document with its number', () => {
  const other = { ...overage, number: NOTE };
  expect(findCredited([line(), overage, other], { number: NOTE, lineNo: 2 })).toBe(other);
  expect(findCredited([line(), overage], { number: NOTE, lineNo: 2 })).toBeUndefined();
  expect(findCredited([line({ kind: 'tax' })], { number: NUMBER, lineNo: 1 })).toBeUndefined();
});
