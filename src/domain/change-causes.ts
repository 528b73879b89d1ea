import { Decimal, sumDecimals, toDecimalString } from './decimal.ts';
import type { UnplacedLine } from './line-changes.ts';
import { daysInMonth, type Month } from './period.ts';
import type { JsonObject, JsonValue } from './types.ts';

/** Why a charge differs between two months (docs/spec.md#comparing-months). */

export const CAUSES = [
  /** The deployment has no charge at all in the month before, or after. */
  ...(['deployment_added', 'deployment_removed'] as const),
  /** Only one of the months has the charge, of a deployment that both have. */
  ...(['added', 'removed'] as const),
  /** Charged or credited once: invoice items, credits, and late usage. */
  'one_off',
  /** Plan versions. */
  'plan',
  /** Decimal cents. */
  'price',
  /** Billed days over the days of the month: `"19/31"`. */
  'days',
  /** How many of it are billed. */
  'count',
  /** Metered usage, what is included in it, and the most of it that is billed: base units. */
  ...(['usage', 'allowance', 'cap'] as const),
  /** LLM requests, and exact cents of one on average, to three digits. */
  ...(['requests', 'average_charge'] as const),
  /** Exact cents of an LLM model. */
  'model',
  /** A share: `"0.10"`. */
  'tax_rate',
] as const;

/** A cause with its value in both months, as text; null if a month has none. */
export interface Cause {
  readonly cause: (typeof CAUSES)[number];
  readonly before: string | null;
  readonly after: string | null;
  /** Of the cause `model`: its name. Null: all models without sums of their own, and other causes. */
  readonly model: string | null;
}

/** A month's lines of a charge. */
export interface ChargeSide {
  readonly month: Month;
  readonly lines: readonly UnplacedLine[];
  /** The deployments that the month charges for; null for lines without one. */
  readonly deployments: ReadonlySet<string | null>;
}

/** Models that are named as causes. */
const MAX_MODELS = 3;

/** Returns what differs between the lines of a charge in two months, of which at least one has lines. */
export function causesOf(before: ChargeSide, after: ChargeSide): readonly Cause[] {
  const line = after.lines[0] ?? before.lines[0];
  if (line === undefined) return [];
  if (line.kind === 'tax') return changed('tax_rate', before, after, valuesOf('rate'));
  if (before.lines.length === 0 || after.lines.length === 0) {
    return [causeOf(presence(line, before, after))];
  }
  switch (line.kind) {
    case 'plan_base':
      return [
        ...changed('plan', before, after, valuesOf('plan_version_id')),
        ...recurringCauses(before, after),
      ];
    case 'addon':
      return recurringCauses(before, after);
    case 'overage':
      return [
        ...changed('usage', before, after, valuesOf('used')),
        ...changed('allowance', before, after, valuesOf('allowance')),
        ...changed('cap', before, after, capOf),
        ...priceCauses(before, after),
      ];
    case 'llm_usage':
      return llmCauses(before, after);
    case 'item':
    case 'credit':
      return [causeOf('one_off')];
  }
}

/** Says why only one of the months has a charge. */
function presence(
  { kind, deploymentId, meta }: UnplacedLine,
  before: ChargeSide,
  after: ChargeSide,
): Cause['cause'] {
  const isLate = meta.service_month !== undefined;
  if (deploymentId === null || kind === 'credit' || isLate) return 'one_off';
  const isAdded = before.lines.length === 0;
  const isKnown = (isAdded ? before : after).deployments.has(deploymentId);
  if (isKnown) return isAdded ? 'added' : 'removed';
  return isAdded ? 'deployment_added' : 'deployment_removed';
}

function recurringCauses(before: ChargeSide, after: ChargeSide): readonly Cause[] {
  const isPartial = [before, after].some(({ lines }) =>
    lines.some(({ meta }) => meta.proration_fraction !== undefined),
  );
  return [
    ...priceCauses(before, after),
    ...(isPartial ? daysCauses(before, after) : changed('count', before, after, quantityOf)),
  ];
}

/** A price that is not the same for all lines of a month is no cause: the plans or addons are. */
function priceCauses(before: ChargeSide, after: ChargeSide): readonly Cause[] {
  const pricesOf = ({ lines }: ChargeSide) => distinct(lines.map((line) => line.unitPriceCents));
  if (pricesOf(before).length !== 1 || pricesOf(after).length !== 1) return [];
  return changed('price', before, after, (side) => pricesOf(side).join());
}

/** A whole month is as long as another one. */
function daysCauses(before: ChargeSide, after: ChargeSide): readonly Cause[] {
  const [old, now] = [before, after].map(({ month, lines }) => {
    const whole = daysInMonth(`${month}-01`);
    const days = lines.map(({ qty, meta }) => {
      const [, part = String(whole)] = /^(\d+)\/\d+$/.exec(textOf(meta.proration_fraction)) ?? [];
      return new Decimal(part).times(qty);
    });
    return { days: sumDecimals(days), whole };
  }) as [Days, Days];
  if (old.days.times(now.whole).equals(now.days.times(old.whole))) return [];
  return [causeOf('days', showDays(old), showDays(now))];
}

interface Days {
  readonly days: Decimal;
  readonly whole: number;
}

function showDays({ days, whole }: Days): string {
  return `${toDecimalString(days)}/${whole}`;
}

/** A cap counts only where usage exceeds it. */
function capOf({ lines }: ChargeSide): string | null {
  const capped = lines.find(({ meta }) => meta.capped === true);
  if (capped === undefined) return null;
  return toDecimalString(new Decimal(textOf(capped.meta.allowance)).plus(capped.qty));
}

function llmCauses(before: ChargeSide, after: ChargeSide): readonly Cause[] {
  return [
    ...changed('requests', before, after, quantityOf),
    ...changed('average_charge', before, after, averageOf),
    ...modelCauses(before, after),
  ];
}

function averageOf(side: ChargeSide): string | null {
  const requests = new Decimal(quantityOf(side));
  if (requests.isZero()) return null;
  const cents = sumDecimals(side.lines.map(({ meta }) => decimalOf(meta.exact_cents)));
  return toDecimalString(cents.dividedBy(requests).toSignificantDigits(3));
}

/** Names the models whose charges differ most. One model alone explains nothing. */
function modelCauses(before: ChargeSide, after: ChargeSide): readonly Cause[] {
  const [old, now] = [before, after].map(centsByModel) as [ByModel, ByModel];
  const models = [...new Set([...now.keys(), ...old.keys()])];
  if (models.length < 2) return [];
  const differenceOf = (model: string | null) =>
    (now.get(model) ?? new Decimal(0)).minus(old.get(model) ?? 0).abs();
  const show = (cents: Decimal | undefined) => (cents ? toDecimalString(cents) : null);
  return models
    .filter((model) => !differenceOf(model).isZero())
    .toSorted((a, b) => differenceOf(b).comparedTo(differenceOf(a)))
    .slice(0, MAX_MODELS)
    .map((model) => ({
      ...causeOf('model', show(old.get(model)), show(now.get(model))),
      model,
    }));
}

type ByModel = ReadonlyMap<string | null, Decimal>;

function centsByModel({ lines }: ChargeSide): ByModel {
  const sums = new Map<string | null, Decimal>();
  for (const { meta } of lines) {
    const stored = Array.isArray(meta.by_model) ? (meta.by_model as readonly JsonObject[]) : [];
    for (const { model, exact_cents } of stored) {
      const name = typeof model === 'string' ? model : null;
      sums.set(name, decimalOf(exact_cents).plus(sums.get(name) ?? 0));
    }
  }
  return sums;
}

function changed(
  cause: Cause['cause'],
  before: ChargeSide,
  after: ChargeSide,
  valueOf: (side: ChargeSide) => string | null,
): readonly Cause[] {
  const [old, now] = [valueOf(before), valueOf(after)];
  return old === now ? [] : [causeOf(cause, old, now)];
}

function causeOf(
  cause: Cause['cause'],
  before: string | null = null,
  after: string | null = null,
): Cause {
  return { cause, before, after, model: null };
}

/** Reads a field of `meta`, each value once; null if no line has it. */
function valuesOf(field: string) {
  return ({ lines }: ChargeSide): string | null => {
    const values = distinct(lines.map(({ meta }) => textOf(meta[field]))).filter(Boolean);
    return values.length === 0 ? null : values.join(', ');
  };
}

function quantityOf({ lines }: ChargeSide): string {
  return toDecimalString(sumDecimals(lines.map(({ qty }) => new Decimal(qty))));
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

function decimalOf(value: JsonValue | undefined): Decimal {
  return new Decimal(textOf(value) || 0);
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
