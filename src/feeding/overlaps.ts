import type { StoredSubscription } from '../db/subscription-feed.ts';
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

/**
 * In the order of their starts each one is compared with the one before that ends last: a mistake
 * for each that overlaps, however many with.
 */
function overlapsOfOne(entries: readonly Entry[]): Problem[] {
  const begun = entries
    .filter(({ subscription }) => subscription.startsAt !== null)
    .sort((a, b) => compareStarts(a.subscription, b.subscription));
  const problems: Problem[] = [];
  let last: Entry | undefined;
  for (const entry of begun) {
    if (last && endsAfter(last.subscription.endsAt, entry.subscription.startsAt)) {
      problems.push(...explain(last, entry));
    }
    if (!last || endsAfter(entry.subscription.endsAt, last.subscription.endsAt)) last = entry;
  }
  return problems;
}

function compareStarts(a: StoredSubscription, b: StoredSubscription): number {
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
function explain(earlier: Entry, later: Entry): Problem[] {
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
