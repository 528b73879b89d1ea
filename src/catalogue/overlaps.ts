import type { StoredSubscription } from '../db/catalogue/stored-subscriptions.ts';
import type { Problem } from './apply-error.ts';
import { isBefore } from './catalogue-fields.ts';
import type { PlacedSubscription } from './placed-subscription.ts';

/**
 * Finds subscriptions that would be in force at the same time as another subscription of their deployment, in
 * the input or stored. The database rejects these too, with a less helpful message.
 */
export function findOverlaps(
  placed: readonly PlacedSubscription[],
  stored: ReadonlyMap<string, StoredSubscription>,
): Problem[] {
  const sent = new Set(placed.map(({ wanted }) => wanted.subscriptionId));
  const others = [...stored.values()].filter(({ subscriptionId }) => !sent.has(subscriptionId));
  const all: readonly Entry[] = [
    ...others.map((subscription) => ({ path: null, subscription })),
    ...placed.map(({ path, wanted }) => ({ path, subscription: wanted })),
  ];
  const deployments = Map.groupBy(all, ({ subscription }) => subscription.deploymentId);
  return [...deployments.values()].flatMap(overlapsOfOne);
}

interface Entry {
  /** Null: stored, and not in the input. */
  readonly path: readonly PropertyKey[] | null;
  readonly subscription: StoredSubscription;
}

function overlapsOfOne(entries: readonly Entry[]): Problem[] {
  return overlappingPairs(entries, ({ subscription }) => subscription).flatMap(explain);
}

/** Half-open. Start null: never in force; end null: no end. */
interface Interval {
  readonly startsAt: string | null;
  readonly endsAt: string | null;
}

/**
 * Returns one pair for each entry that overlaps an earlier one, however many it overlaps: in order of start,
 * each is compared with the earlier entry that ends last.
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

/** Returns whether an end (null: none) comes after an instant (null: never). */
function endsAfter(endsAt: string | null, instant: string | null): boolean {
  if (instant === null) return false;
  return endsAt === null || isBefore(instant, endsAt);
}

/**
 * Returns a problem that points to the later subscription, or to the earlier one if only that is in the input.
 */
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
