import { rateDayByDay, type SubscriptionLife } from '../domain/_day-by-day.ts';
import { exact, exactText, sum, toCents } from './exact.ts';
import type { Place } from './lives-world.ts';

/**
 * What a tenant's months cost, as anyone could work it out: subscriptions that come and go, usage that knows which
 * month's invoice holds it, and every line counted day by day. Nothing of the product's but the plans.
 */

export interface ModelUsage {
  readonly deployment: string;
  /** `llm_usage` for LLM requests. */
  readonly kind: string;
  readonly month: string;
  readonly amount: string;
  /** The month whose live invoice holds it; null: it is open. */
  holder: string | null;
}

export interface LivesModel {
  readonly place: Place;
  /** By deployment, in order, without overlaps. */
  readonly lives: Map<string, readonly SubscriptionLife[]>;
  readonly usage: ModelUsage[];
  /** Lines of the live invoices, as issued. */
  readonly invoices: Map<string, readonly string[]>;
  lastId: number;
}

export function createLivesModel(place: Place): LivesModel {
  const lives = new Map(place.deployments.map((id) => [id, []]));
  return { place, lives, usage: [], invoices: new Map(), lastId: 0 };
}

export const isLlm = ({ kind }: ModelUsage) => kind === 'llm_usage';

/** Whether a run of the month has to look at the tenant. */
export function isDue({ place, lives, usage, invoices }: LivesModel, month: string): boolean {
  const { startsAt, endsAt } = place.calendar.periodOf(month);
  const touches = (life: SubscriptionLife) =>
    microseconds(life.startsAt) < microseconds(endsAt) &&
    (life.endsAt === null || microseconds(life.endsAt) > microseconds(startsAt));
  return (
    invoices.has(month) ||
    [...lives.values()].flat().some(touches) ||
    usage.some((each) => isLlm(each) && each.holder === null && each.month <= month)
  );
}

/** The usage that an invoice of the month would hold if it were built or rebuilt now. */
export function heldBy({ usage, invoices }: LivesModel, month: string): readonly ModelUsage[] {
  const isFirst = !invoices.has(month);
  return usage.filter((each) => {
    if (each.holder !== null) return each.holder === month;
    return each.month === month || (isFirst && isLlm(each) && each.month < month);
  });
}

/** The untaxed lines of the month's invoice if it were built or rebuilt now, as texts. */
export function composeMonth(model: LivesModel, month: string): readonly string[] {
  const { place, lives } = model;
  const { timeZone } = place.calendar;
  const held = heldBy(model, month);
  return place.deployments.flatMap((deployment) => {
    const own = held.filter((each) => each.deployment === deployment);
    const metered = Map.groupBy(
      own.filter((each) => !isLlm(each)),
      ({ kind }) => kind,
    );
    const used = Object.fromEntries(
      [...metered].map(([kind, all]) => [kind, exactText(sum(all.map((e) => exact(e.amount))))]),
    );
    const rated = rateDayByDay(lives.get(deployment) ?? [], { month, timeZone }, used);
    const llm = Map.groupBy(own.filter(isLlm), (each) => each.month);
    return [
      ...rated.map(({ kind, subscriptionId, what, cents, fraction, quantities }) =>
        JSON.stringify([
          deployment,
          kind,
          subscriptionId,
          what,
          Number(cents),
          fraction,
          ...quantities,
        ]),
      ),
      ...[...llm].sort(byMonth).map(([of, all]) => {
        const cents = toCents(sum(all.map(({ amount }) => exact(amount))));
        const late = of === month ? null : of;
        return JSON.stringify([deployment, 'llm_usage', String(all.length), cents, late]);
      }),
    ];
  });
}

function byMonth([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Builds the month's invoice: its usage is held from now on. */
export function issue(model: LivesModel, month: string): void {
  const lines = composeMonth(model, month);
  for (const each of heldBy(model, month)) each.holder = month;
  model.invoices.set(month, lines);
}

/** Of an RFC 3339 instant in UTC: `Date` alone knows no microseconds. */
export function microseconds(instant: string): bigint {
  const fraction = /\.(\d+)Z$/.exec(instant)?.[1] ?? '';
  const seconds = Date.parse(instant.replace(/\.\d+Z$/, 'Z')) / 1000;
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}

export function instantOf(us: bigint): string {
  const seconds = us / 1_000_000n;
  const whole = new Date(Number(seconds) * 1000)
    .toISOString()
    .slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
  return `${whole}.${String(us % 1_000_000n).padStart(6, '0')}Z`;
}
