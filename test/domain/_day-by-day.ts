import { Temporal } from 'temporal-polyfill';
import type { PlanItem, PlanVersion, QuoteAddon, Usage } from '../../src/domain/types.ts';
import { Rational } from './_rational.ts';

/**
 * The rules of docs/spec.md#a-real-month, day by day and on rational numbers: a second implementation
 * to compare the product with. It looks at each day's last instant, and never subtracts dates.
 */

/** Half open, RFC 3339; null: no end. */
export interface Life {
  readonly startsAt: string;
  readonly endsAt: string | null;
}
export interface AddonLife extends Life, QuoteAddon {}
export interface SubscriptionLife extends Life {
  readonly subscriptionId: string;
  readonly plan: PlanVersion;
  readonly addons: readonly AddonLife[];
}

/** What is compared of a line. */
export interface PlainLine {
  readonly kind: string;
  readonly subscriptionId: string;
  /** The addon's code or the resource kind. */
  readonly what: string | null;
  readonly cents: bigint;
  /** `12/31`; null: a whole month, and overage. */
  readonly fraction: string | null;
  /** Of overage: overage, included, added, allowance. */
  readonly quantities: readonly string[];
}

/** Returns a deployment's recurring and overage lines. */
export function rateDayByDay(
  lives: readonly SubscriptionLife[],
  { month, timeZone }: { readonly month: string; readonly timeZone: string },
  usage: Usage,
): readonly PlainLine[] {
  const ends = lastInstants(month, timeZone);
  const start = Temporal.PlainDate.from(`${month}-01`).toZonedDateTime(timeZone).toInstant();
  const subscriptions = lives
    .filter((life) => touches(life, start.epochNanoseconds, ends.at(-1) ?? 0n))
    .sort((a, b) => (nanoseconds(a.startsAt) < nanoseconds(b.startsAt) ? -1 : 1));
  const last = subscriptions.at(-1);
  if (last === undefined) return [];
  const isDaily = subscriptions.some(({ plan }) => plan.proration === 'daily');
  return isDaily ? rateByDays(subscriptions, last, ends, usage) : rateWhole(last, ends, usage);
}

function rateByDays(
  subscriptions: readonly SubscriptionLife[],
  last: SubscriptionLife,
  ends: readonly bigint[],
  usage: Usage,
): readonly PlainLine[] {
  const share = (lives: readonly Life[]) => ({
    days: ends.filter((end) => lives.every((life) => isInForce(life, end))).length,
    of: ends.length,
  });
  const lines: PlainLine[] = [];
  const included = new Map<string, Rational>();
  const added = new Map<string, Rational>();
  let days = 0;
  for (const subscription of subscriptions) {
    const own = share([subscription]);
    days += own.days;
    charge(lines, subscription, null, subscription.plan.basePriceCents, own);
    for (const item of subscription.plan.items) {
      add(included, item.resourceKind, part(item.includedQty, own).roundedTo(12));
    }
    for (const addon of subscription.addons) {
      const both = share([subscription, addon]);
      charge(lines, subscription, addon.code, addon.priceCents, both);
      add(added, addon.resourceKind, part(addon.qty, both).roundedTo(12));
    }
  }
  const capOf = (cap: string | number) => part(cap, { days, of: ends.length }).roundedTo(12);
  return [...lines, ...overage(last, { included, added, capOf }, usage)];
}

function rateWhole(
  last: SubscriptionLife,
  ends: readonly bigint[],
  usage: Usage,
): readonly PlainLine[] {
  const monthEnd = ends.at(-1) ?? 0n;
  const end = last.endsAt === null ? monthEnd : nanoseconds(last.endsAt) - 1n;
  const ownEnd = end < monthEnd ? end : monthEnd;
  const addons = last.addons.filter((addon) => isInForce(addon, ownEnd));
  const lines: PlainLine[] = [];
  if (isInForce(last, monthEnd)) {
    charge(lines, last, null, last.plan.basePriceCents, { days: 1, of: 1 });
    for (const { code, priceCents } of addons) {
      charge(lines, last, code, priceCents, { days: 1, of: 1 });
    }
  }
  const included = new Map<string, Rational>();
  const added = new Map<string, Rational>();
  for (const item of last.plan.items)
    add(included, item.resourceKind, Rational.of(item.includedQty));
  for (const addon of addons) add(added, addon.resourceKind, Rational.of(addon.qty));
  return [...lines, ...overage(last, { included, added, capOf: (cap) => Rational.of(cap) }, usage)];
}

interface DayShare {
  readonly days: number;
  readonly of: number;
}

function charge(
  lines: PlainLine[],
  { subscriptionId }: SubscriptionLife,
  addon: string | number | null,
  priceCents: number,
  share: DayShare,
): void {
  if (share.days === 0) return;
  lines.push({
    kind: addon === null ? 'plan_base' : 'addon',
    subscriptionId,
    what: addon === null ? null : String(addon),
    cents: part(priceCents, share).rounded(),
    fraction: share.days === share.of ? null : `${share.days}/${share.of}`,
    quantities: [],
  });
}

interface Pool {
  readonly included: ReadonlyMap<string, Rational>;
  readonly added: ReadonlyMap<string, Rational>;
  readonly capOf: (cap: string | number) => Rational;
}

function overage(
  { subscriptionId, plan }: SubscriptionLife,
  { included, added, capOf }: Pool,
  usage: Usage,
): readonly PlainLine[] {
  const lines: PlainLine[] = [];
  for (const item of plan.items) {
    const { resourceKind, hardCapQty, overagePriceCents } = item;
    if (overagePriceCents === null) continue;
    const byPlans = included.get(resourceKind) ?? Rational.ZERO;
    const byAddons = added.get(resourceKind) ?? Rational.ZERO;
    const allowance = byPlans.plus(byAddons);
    const used = Rational.of(Object.hasOwn(usage, resourceKind) ? usage[resourceKind]! : null);
    const cap = hardCapQty === null ? used : capOf(hardCapQty);
    const over = (cap.isBelow(used) ? cap : used).minus(allowance);
    if (!Rational.ZERO.isBelow(over)) continue;
    lines.push({
      kind: 'overage',
      subscriptionId,
      what: resourceKind,
      cents: over
        .times(Rational.of(overagePriceCents))
        .over(Rational.of(factorOf(item)))
        .rounded(),
      fraction: null,
      quantities: [over, byPlans, byAddons, allowance].map(String),
    });
  }
  return lines;
}

/** Base units per unit (docs/spec.md#units). */
function factorOf({ overageUnit, definedUnit }: PlanItem): string | number {
  if (definedUnit !== null) return definedUnit.factor;
  if (overageUnit === '1k_tokens') return 1000;
  return overageUnit === '1m_tokens' ? 1_000_000 : 1;
}

function part(whole: string | number | null, { days, of }: DayShare): Rational {
  return Rational.of(whole).times(Rational.of(days)).over(Rational.of(of));
}

function add(sums: Map<string, Rational>, kind: string, value: Rational): void {
  sums.set(kind, (sums.get(kind) ?? Rational.ZERO).plus(value));
}

/** The last nanosecond of each day of a month. */
function lastInstants(month: string, timeZone: string): readonly bigint[] {
  const first = Temporal.PlainDate.from(`${month}-01`);
  return Array.from(
    { length: first.daysInMonth },
    (_, day) => first.add({ days: day + 1 }).toZonedDateTime(timeZone).epochNanoseconds - 1n,
  );
}

function nanoseconds(instant: string): bigint {
  return Temporal.Instant.from(instant).epochNanoseconds;
}

function isInForce({ startsAt, endsAt }: Life, at: bigint): boolean {
  return nanoseconds(startsAt) <= at && (endsAt === null || nanoseconds(endsAt) > at);
}

function touches({ startsAt, endsAt }: Life, from: bigint, to: bigint): boolean {
  return nanoseconds(startsAt) <= to && (endsAt === null || nanoseconds(endsAt) > from);
}
