import type { StoredSubscription } from '../db/subscription-feed.ts';
import type { Problem } from './feed-error.ts';
import { isBefore } from './instants.ts';
import type { PlacedSubscription } from './placed-subscription.ts';

/**
 * Subscriptions of the file that would be in force at the same time as another one of their
 * deployment, in the file or stored. The database refuses them too, but with fewer words.
 */
export function findOverlaps(
  placed: readonly PlacedSubscription[],
  stored: ReadonlyMap<string, StoredSubscription>,
): Problem[] {
  const inFile = new Set(placed.map(({ wanted }) => wanted.subscriptionId));
  const others = [...stored.values()].filter(({ subscriptionId }) => !inFile.has(subscriptionId));
  return placed.flatMap(({ at, wanted }, index) =>
    [...placed.slice(0, index).map((earlier) => earlier.wanted), ...others]
      .filter((other) => other.deploymentId === wanted.deploymentId && overlap(other, wanted))
      .map((other) => ({
        at,
        message:
          `subscription ${wanted.subscriptionId} (${interval(wanted)}) overlaps with ` +
          `${other.subscriptionId} (${interval(other)}): deployment ${wanted.deploymentId} ` +
          'can have one at a time',
      })),
  );
}

type Interval = Pick<StoredSubscription, 'startsAt' | 'endsAt'>;

/** Half open intervals; one without a start has not begun. */
function overlap(a: Interval, b: Interval): boolean {
  if (a.startsAt === null || b.startsAt === null) return false;
  return (
    (b.endsAt === null || isBefore(a.startsAt, b.endsAt)) &&
    (a.endsAt === null || isBefore(b.startsAt, a.endsAt))
  );
}

function interval({ startsAt, endsAt }: Interval): string {
  return `${startsAt} to ${endsAt ?? 'open end'}`;
}
