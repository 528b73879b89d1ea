import { FeedError } from './feed-error.ts';
import { isBefore } from './instants.ts';
import { SUBSCRIPTION_PATH, conflictAt } from './one-subscription.ts';
import type { FedAddon, FedSubscription } from './subscriptions-file.ts';

/**
 * Attaching and detaching. An addon of a subscription is known by its code and its start. As with
 * a subscription's own verbs, an end is set once here, and moved by a PUT of the subscription.
 */

export interface AddonToAttach {
  readonly code: string;
  /** As PostgreSQL keeps it. */
  readonly starts_at: string;
  /** Left out: none yet; or, where the addon is attached already, whatever it is. */
  readonly ends_at?: string | undefined;
  /** Whether it may be in force beside another one of the same code. */
  readonly allow_repeated?: boolean | undefined;
}

/** @throws FeedError */
export function attach(stored: FedSubscription, wanted: AddonToAttach): FedSubscription {
  const { code, starts_at, ends_at, allow_repeated } = wanted;
  const index = stored.addons.findIndex((addon) => isSame(addon, wanted));
  const known = stored.addons[index];
  if (!known) {
    return {
      ...stored,
      addons: [...stored.addons, { code, starts_at, ends_at: ends_at ?? null, allow_repeated }],
    };
  }
  // A repeated request must not revive what was detached meanwhile.
  if (ends_at === undefined || ends_at === known.ends_at) return stored;
  throw conflictAt(
    ['addons', index, 'ends_at'],
    `addon ${code} is attached from ${starts_at} to ${known.ends_at ?? 'open end'} already`,
  );
}

export interface AddonToDetach {
  readonly code: string;
  readonly ends_at: string;
  /** Needed where the code is attached more than once. */
  readonly starts_at?: string | undefined;
}

/**
 * @returns null where the subscription has never had such an addon
 * @throws FeedError
 */
export function detach(stored: FedSubscription, wanted: AddonToDetach): FedSubscription | null {
  const { code, ends_at } = wanted;
  const ofCode = stored.addons.filter((addon) => addon.code === code);
  const [first] = ofCode;
  if (!first) return null;
  const starts_at = wanted.starts_at ?? onlyStartOf(code, ofCode);
  if (!ofCode.some((addon) => addon.starts_at === starts_at)) {
    throw invalidStart(`addon ${code} is not attached from ${starts_at} on`);
  }
  return {
    ...stored,
    addons: stored.addons.map((addon, index) =>
      isSame(addon, { code, starts_at }) ? end(addon, index, ends_at) : addon,
    ),
  };
}

function isSame(
  addon: FedAddon,
  { code, starts_at }: { readonly code: string; readonly starts_at: string },
): boolean {
  return addon.code === code && addon.starts_at === starts_at;
}

function onlyStartOf(code: string, addons: readonly FedAddon[]): string {
  const [start = '', ...others] = new Set(addons.map(({ starts_at }) => starts_at));
  if (others.length === 0) return start;
  const starts = [start, ...others].join(', ');
  throw invalidStart(`addon ${code} is attached more than once: say which one, of ${starts}`);
}

function end(addon: FedAddon, index: number, endsAt: string): FedAddon {
  const path = ['addons', index, 'ends_at'];
  const { code, starts_at, ends_at } = addon;
  if (ends_at === endsAt) return addon;
  if (ends_at !== null) {
    const message = `addon ${code} ends at ${ends_at}: PUT the subscription to move that`;
    throw conflictAt(path, message);
  }
  if (!isBefore(starts_at, endsAt)) {
    throw conflictAt(path, `addon ${code} starts at ${starts_at}: expected a later end`);
  }
  return { ...addon, ends_at: endsAt };
}

function invalidStart(message: string): FeedError {
  return new FeedError('the request', [
    { path: [...SUBSCRIPTION_PATH, 'addons', 0, 'starts_at'], kind: 'invalid', message },
  ]);
}
