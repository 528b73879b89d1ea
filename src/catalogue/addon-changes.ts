import { isDeepStrictEqual } from 'node:util';
import type { StoredAddon } from '../db/catalogue/stored-subscriptions.ts';
import type { Problem } from './apply-error.ts';
import { overlappingPairs } from './overlaps.ts';
import type { CurrentSubscriptions, PlacedSubscription } from './placed-subscription.ts';
import type { SentAddon } from './subscriptions-file.ts';

export interface AddonChanges {
  /** New addons; the catalogue's terms are copied to the snapshot. */
  readonly attached: readonly StoredAddon[];
  /** Snapshots whose end or `allowRepeated` changes. */
  readonly changed: readonly StoredAddon[];
  readonly problems: readonly Problem[];
}

/**
 * Compares the addons of a subscription with its snapshots. Code and start identify an addon; only its end
 * and `allow_repeated` can change. Two addons with one code can't be in force at the same time, because both
 * would be billed, unless one of them allows it with `allow_repeated`.
 */
export function diffAddons(
  { path, sent, wanted: { subscriptionId } }: PlacedSubscription,
  current: CurrentSubscriptions,
): AddonChanges {
  const snapshots = [...(current.addons.get(subscriptionId) ?? [])];
  const firstFree = (snapshots.at(-1)?.position ?? 0) + 1;
  const attached: StoredAddon[] = [];
  const changed: StoredAddon[] = [];
  const placed: PlacedAddon[] = [];
  const problems: Problem[] = [];

  sent.addons.forEach((addon, index) => {
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

  // Omitting an addon doesn't end it. Without this error the tenant would silently still be billed for it.
  problems.push(
    ...snapshots.map(({ code, startsAt }): Problem => ({
      path: [...path, 'addons'],
      kind: 'conflict',
      message: `addon ${code}, attached from ${startsAt} on, is missing: keep it in the list, and end it with ends_at`,
    })),
  );
  return { attached, changed, problems: [...problems, ...repetitions(path, placed)] };
}

/** An addon after the change. */
interface PlacedAddon {
  /** Its index among the subscription's addons in the input. */
  readonly index: number;
  readonly addon: StoredAddon;
  /** Null: unchanged. */
  readonly change: 'attached' | 'changed' | null;
}

/**
 * Returns a problem for each addon that overlaps another one with its code. The database rejects these too,
 * with a less helpful message.
 */
function repetitions(path: readonly PropertyKey[], placed: readonly PlacedAddon[]): Problem[] {
  const single = placed.filter(({ addon }) => !addon.allowRepeated);
  return [...Map.groupBy(single, ({ addon }) => addon.code).values()].flatMap((alike) =>
    overlappingPairs(alike, ({ addon }) => addon).map(([earlier, later]): Problem => {
      // Points to the addon that the input attaches; if it attaches both or neither, to the later one.
      const isAtLater = later.change === 'attached' || earlier.change !== 'attached';
      const [at, other] = isAtLater ? [later, earlier] : [earlier, later];
      const { code, startsAt, endsAt } = other.addon;
      return {
        path: [...path, 'addons', at.index, 'starts_at'],
        kind: other.change === 'attached' ? 'invalid' : 'conflict',
        message:
          `addon ${code} is attached from ${startsAt} to ${endsAt ?? 'open end'} already, and both would be ` +
          'billed: end that one first, or set "allow_repeated": true',
      };
    }),
  );
}

function isSnapshotOf(snapshot: StoredAddon, addon: SentAddon): boolean {
  return snapshot.code === addon.code && snapshot.startsAt === addon.starts_at;
}
