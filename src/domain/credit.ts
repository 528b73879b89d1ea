import { sumCents } from './cents.ts';
import {
  purposeOf,
  purposeOfSubscription,
  type PlacedLine,
  type UnplacedLine,
} from './line-changes.ts';
import type { JsonObject } from './types.ts';

/** Credits that operators give on single lines (docs/spec.md#credits). */

/** A line of an invoice or of an adjustment note, found by the number of that document and its own. */
export interface DocumentLine extends PlacedLine {
  readonly number: string;
}

/** A credit that was given. */
export interface GivenCredit {
  /** The number of the document whose line was credited. */
  readonly number: string;
  readonly lineNo: number;
  /** Positive, without tax. */
  readonly amountCents: number;
}

/**
 * Returns how much of a line can still be credited, without tax: what is charged for its purpose, reruns included, less
 * the credits given on it; 0 or less if nothing is left. Lines of one purpose belong together whatever document they are
 * on. If several subscriptions have such a line, a credit is also limited by what its own subscription is charged.
 * @param charged the lines of the invoice and of its reruns' notes; contains the line
 * @throws DomainError `amount_out_of_range`
 */
export function leftToCredit(
  line: DocumentLine,
  charged: readonly DocumentLine[],
  given: readonly GivenCredit[],
): number {
  const lefts = [purposeOfSubscription, purposeOf].map((purpose) => {
    const wanted = purpose(line);
    const same = charged.filter((other) => purpose(other) === wanted);
    const places = new Set(same.map(placeOf));
    const credits = given.filter((credit) => places.has(placeOf(credit)));
    return sumCents([
      ...same.map(({ amountCents }) => amountCents),
      ...credits.map(({ amountCents }) => -amountCents),
    ]);
  });
  return Math.min(...lefts);
}

/** Returns the line of the adjustment note that gives a credit. @param amountCents positive, without tax */
export function lineOfCredit(
  {
    number,
    lineNo,
    kind,
    description,
    resourceKind,
    deploymentId,
    subscriptionId,
    taxable,
    meta,
  }: DocumentLine,
  amountCents: number,
): UnplacedLine {
  return {
    deploymentId,
    subscriptionId,
    taxable,
    kind: 'credit',
    resourceKind,
    description: `Credit: ${description}`,
    qty: '1',
    unit: 'credit',
    unitPriceCents: null,
    amountCents: -amountCents,
    meta: {
      credited_number: number,
      credited_line_no: lineNo,
      credited_kind: kind,
      ...namesOf(meta),
    },
  };
}

/** What the name of a line is made of (docs/spec.md#how-lines-are-shown). */
const NAME_FIELDS = [
  ...(['plan_version_id', 'plan_name', 'addon_code', 'addon_name'] as const),
  ...(['resource_name', 'service_month'] as const),
];

function namesOf(meta: JsonObject): JsonObject {
  const found = NAME_FIELDS.flatMap((field) => {
    const value = meta[field];
    return value === undefined ? [] : [[field, value] as const];
  });
  return Object.fromEntries(found);
}

/** Returns the credits that lines of an adjustment note give; empty if it isn't a credit's. */
export function creditsGiven(lines: readonly PlacedLine[]): readonly GivenCredit[] {
  return lines.flatMap(({ kind, amountCents, meta }) => {
    const { credited_number: number, credited_line_no: lineNo } = meta;
    const isCredit = kind === 'credit' && typeof number === 'string' && typeof lineNo === 'number';
    return isCredit ? { number, lineNo, amountCents: -amountCents } : [];
  });
}

/** Returns the line that a credit was given on; undefined if there is none, and for tax, which can't be credited. */
export function findCredited(
  charged: readonly DocumentLine[],
  credit: Pick<GivenCredit, 'number' | 'lineNo'>,
): DocumentLine | undefined {
  return charged.find((line) => line.kind !== 'tax' && placeOf(line) === placeOf(credit));
}

function placeOf({ number, lineNo }: Pick<DocumentLine, 'number' | 'lineNo'>): string {
  return `${number} ${lineNo}`;
}
