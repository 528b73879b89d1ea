import { isDeepStrictEqual } from 'node:util';
import type { StoredAddon } from '../db/catalogue/subscription-feed.ts';
import type { Problem } from './feed-error.ts';
import { overlappingPairs } from './overlaps.ts';
import type { CurrentSubscriptions, PlacedSubscription } from './placed-subscription.ts';
import type { FedAddon } from './subscriptions-file.ts';

export interface AddonChanges {
  /** To be snapshotted from the catalogue. */
  readonly attached: readonly StoredAddon[];
  /** Snapshots that stay, with another end or another `allowRepeated`. */
  readonly changed: readonly StoredAddon[];
  readonly problems: readonly Problem[];
}

/**
 * Compares the addons of a subscription with its snapshots. An addon is the one that was attached
 * with the same code at the same instant: its snapshot stays as it is, but for its end. Two of the
 * same code can't be in force at the same time, because both would be billed, unless one of them
 * says that it may be repeated.
 */
export function diffAddons(
  { path, fed, wanted: { subscriptionId } }: PlacedSubscription,
  current: CurrentSubscriptions,
): AddonChanges {
  const snapshots = [...(current.addons.get(subscriptionId) ?? [])];
  const firstFree = (snapshots.at(-1)?.position ?? 0) + 1;
  const attached: StoredAddon[] = [];
  const changed: StoredAddon[] = [];
  const placed: PlacedAddon[] = [];
  const problems: Problem[] = [];

  fed.addons.forEach((addon, index) => {
    const match = snapshots.findIndex((snapshot) => isSnapshotOf(snapshot, addon));
    if (match >= 0) {
      const [snapshot] = snapshots.splice(match, 1) as [StoredAddon];
      const { allowRepeated } = snapshot;
      const wanted = {
        ...snapshot,
        endsAt: addon.ends_at,
        allowRepeated: addon.allow_repeated ?? allowRepeated,
      };
      const isChanged = !isDeepStrictEqual(wanted, snapshot);
      if (isChanged) changed.push(wanted);
      placed.push({ index, addon: wanted, change: isChanged ? 'changed' : null });
    } else if (current.addonCodes.has(addon.code)) {
      const wanted = {
        subscriptionId,
        position: firstFree + attached.length,
        code: addon.code,
        startsAt: addon.starts_at,
        endsAt: addon.ends_at,
        allowRepeated: addon.allow_repeated ?? false,
      };
      attached.push(wanted);
      placed.push({ index, addon: wanted, change: 'attached' });
    } else {
      problems.push({
        path: [...path, 'addons', index, 'code'],
        kind: 'invalid',
        message: `the catalogue has no addon ${addon.code}`,
      });
    }
  });

  // Left out is not ended: the tenant would be billed on without anybody noticing.
  problems.push(
    ...snapshots.map(({ code, startsAt }): Problem => ({
      path: [...path, 'addons'],
      kind: 'conflict',
      message: `addon ${code}, attached from ${startsAt} on, is missing: end it by its ends_at`,
    })),
  );
  return { attached, changed, problems: [...problems, ...repetitions(path, placed)] };
}

/** An addon as it will be. */
interface PlacedAddon {
  /** Its place among the addons of the feed. */
  readonly index: number;
  readonly addon: StoredAddon;
  /** Null: it stays as it is. */
  readonly change: 'attached' | 'changed' | null;
}

/** The database refuses them too, but with fewer words. */
function repetitions(path: readonly PropertyKey[], placed: readonly PlacedAddon[]): Problem[] {
  const single = placed.filter(({ addon }) => !addon.allowRepeated);
  return [...Map.groupBy(single, ({ addon }) => addon.code).values()].flatMap((alike) =>
    overlappingPairs(alike, ({ addon }) => addon).map(([earlier, later]): Problem => {
      // At the one that the feed attaches; if it is both or neither, at the later one.
      const isAtLater = later.change === 'attached' || earlier.change !== 'attached';
      const [at, other] = isAtLater ? [later, earlier] : [earlier, later];
      const { code, startsAt, endsAt } = other.addon;
      return {
        path: [...path, 'addons', at.index, 'starts_at'],
        kind: other.change === 'attached' ? 'invalid' : 'conflict',
        message:
          `addon ${code} is attached from ${startsAt} to ${endsAt ?? 'open end'} already, and both would be ` +
          'billed: end that one first, or say "allow_repeated": true',
      };
    }),
  );
}

function isSnapshotOf(snapshot: StoredAddon, addon: FedAddon): boolean {
  return snapshot.code === addon.code && snapshot.startsAt === addon.starts_at;
}
