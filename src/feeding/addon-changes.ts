import type { StoredAddon } from '../db/subscription-feed.ts';
import type { Problem } from './feed-error.ts';
import type { CurrentSubscriptions, PlacedSubscription } from './placed-subscription.ts';
import type { FedAddon } from './subscriptions-file.ts';

export interface AddonChanges {
  /** To be snapshotted from the catalogue. */
  readonly attached: readonly StoredAddon[];
  /** Snapshots that stay, with another end. */
  readonly ended: readonly StoredAddon[];
  readonly problems: readonly Problem[];
}

/**
 * Compares the addons of a subscription with its snapshots. An addon is the one that was attached
 * with the same code at the same instant: its snapshot stays as it is, but for its end.
 */
export function diffAddons(
  { path, fed, wanted: { subscriptionId } }: PlacedSubscription,
  current: CurrentSubscriptions,
): AddonChanges {
  const snapshots = [...(current.addons.get(subscriptionId) ?? [])];
  const firstFree = (snapshots.at(-1)?.position ?? 0) + 1;
  const attached: StoredAddon[] = [];
  const ended: StoredAddon[] = [];
  const problems: Problem[] = [];

  fed.addons.forEach((addon, index) => {
    const match = snapshots.findIndex((snapshot) => isSnapshotOf(snapshot, addon));
    if (match >= 0) {
      const [snapshot] = snapshots.splice(match, 1) as [StoredAddon];
      if (snapshot.endsAt !== addon.ends_at) ended.push({ ...snapshot, endsAt: addon.ends_at });
    } else if (current.addonCodes.has(addon.code)) {
      attached.push({
        subscriptionId,
        position: firstFree + attached.length,
        code: addon.code,
        startsAt: addon.starts_at,
        endsAt: addon.ends_at,
      });
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
  return { attached, ended, problems };
}

function isSnapshotOf(snapshot: StoredAddon, addon: FedAddon): boolean {
  return snapshot.code === addon.code && snapshot.startsAt === addon.starts_at;
}
