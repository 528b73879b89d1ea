import type { StoredSubscription } from '../db/catalogue/subscription-feed.ts';
import type { Problem } from './feed-error.ts';
import { isBefore } from './instants.ts';
import type { PlacedSubscription } from './placed-subscription.ts';

/**
 * Subscriptions of the feed that would be in force at the same time as another one of their
 * deployment, in the feed or stored. The database refuses them too, but with fewer words.
 */
export function findOverlaps(
  placed: readonly PlacedSubscription[],
  stored: ReadonlyMap<string, StoredSubscription>,
): Problem[] {
  const fed = new Set(placed.map(({ wanted }) => wanted.subscriptionId));
  const others = [...stored.values()].filter(({ subscriptionId }) => !fed.has(subscriptionId));
  const all: readonly Entry[] = [
    ...others.map((subscription) => ({ path: null, subscription })),
    ...placed.map(({ path, wanted }) => ({ path, subscription: wanted })),
  ];
  const deployments = Map.groupBy(all, ({ subscription }) => subscription.deploymentId);
  return [...deployments.values()].flatMap(overlapsOfOne);
}

interface Entry {
  /** Null: it is stored, and not in the feed. */
  readonly path: readonly PropertyKey[] | null;
  readonly subscription: StoredSubscription;
}

function overlapsOfOne(entries: readonly Entry[]): Problem[] {
  return overlappingPairs(entries, ({ subscription }) => subscription).flatMap(explain);
}

/** From a start (null: never) to before an end (null: none). */
interface Interval {
  readonly startsAt: string | null;
  readonly endsAt: string | null;
}

/**
 * Returns what overlaps, as pairs of the earlier and the later one. In the order of their starts, each is
 * compared with the one before that ends last: a pair for each that overlaps, however many with.
 */
export function overlappingPairs<T>(
  entries: readonly T[],
  intervalOf: (entry: T) => Interval,
): readonly (readonly [earlier: T, later: T])[] {
  const begun = entries
    .map((entry) => ({ entry, ...intervalOf(entry) }))
    .filter(({ startsAt }) => startsAt !== null)
    .sort(compareStarts);
  const pairs: [T, T][] = [];
  let last: (typeof begun)[number] | undefined;
  for (const one of begun) {
    if (last && endsAfter(last.endsAt, one.startsAt)) pairs.push([last.entry, one.entry]);
    if (!last || endsAfter(one.endsAt, last.endsAt)) last = one;
  }
  return pairs;
}

function compareStarts(a: Interval, b: Interval): number {
  const [startA, startB] = [a.startsAt ?? '', b.startsAt ?? ''];
  if (isBefore(startA, startB)) return -1;
  return isBefore(startB, startA) ? 1 : 0;
}

/** Whether an end (null: none) comes after an instant (null: never). Intervals are half open. */
function endsAfter(endsAt: string | null, instant: string | null): boolean {
  if (instant === null) return false;
  return endsAt === null || isBefore(instant, endsAt);
}

/** At the later one, unless only the earlier one can be changed. */
function explain([earlier, later]: readonly [Entry, Entry]): Problem[] {
  const [at, other] = later.path ? [later, earlier] : [earlier, later];
  if (at.path === null) return [];
  const { subscriptionId, deploymentId } = at.subscription;
  return [
    {
      path: [...at.path, at === later ? 'starts_at' : 'ends_at'],
      kind: other.path ? 'invalid' : 'conflict',
      message:
        `subscription ${subscriptionId} (${interval(at.subscription)}) overlaps with ` +
        `${other.subscription.subscriptionId} (${interval(other.subscription)}): deployment ` +
        `${deploymentId} can have one at a time`,
    },
  ];
}

function interval({ startsAt, endsAt }: StoredSubscription): string {
  return `${startsAt} to ${endsAt ?? 'open end'}`;
}
