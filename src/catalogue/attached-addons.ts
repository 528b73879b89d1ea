import { ApplyError, SUBSCRIPTION_PATH, conflictAt } from './apply-error.ts';
import { isBefore } from './catalogue-fields.ts';
import type { SentAddon, SentSubscription } from './subscriptions-file.ts';

/**
 * Attaching and detaching addons. Code and start identify an addon of a subscription. An end is set once
 * here; only a PUT of the subscription moves it.
 */

export interface AddonToAttach {
  readonly code: string;
  /** As PostgreSQL stores it. */
  readonly starts_at: string;
  /** Undefined: no end yet; an addon that is already attached keeps its end. */
  readonly ends_at?: string | undefined;
  /** Whether it may be in force at the same time as another addon with the same code. */
  readonly allow_repeated?: boolean | undefined;
}

/**
 * Returns the subscription with the addon attached.
 * @throws ApplyError
 */
export function attach(stored: SentSubscription, wanted: AddonToAttach): SentSubscription {
  const { code, starts_at, ends_at, allow_repeated } = wanted;
  const index = stored.addons.findIndex((addon) => isSame(addon, wanted));
  const known = stored.addons[index];
  if (!known) {
    return {
      ...stored,
      addons: [...stored.addons, { code, starts_at, ends_at: ends_at ?? null, allow_repeated }],
    };
  }
  // A repeated request must not revive an addon that was detached in the meantime.
  if (ends_at === undefined || ends_at === known.ends_at) return stored;
  throw conflictAt(
    ['addons', index, 'ends_at'],
    `addon ${code} is attached from ${starts_at} to ${known.ends_at ?? 'open end'} already`,
  );
}

export interface AddonToDetach {
  readonly code: string;
  readonly ends_at: string;
  /** Required if the code is attached more than once. */
  readonly starts_at?: string | undefined;
}

/**
 * Returns the subscription with the addon ended; null if it has never had such an addon.
 * @throws ApplyError
 */
export function detach(stored: SentSubscription, wanted: AddonToDetach): SentSubscription | null {
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
  addon: SentAddon,
  { code, starts_at }: { readonly code: string; readonly starts_at: string },
): boolean {
  return addon.code === code && addon.starts_at === starts_at;
}

function onlyStartOf(code: string, addons: readonly SentAddon[]): string {
  const [start = '', ...others] = new Set(addons.map(({ starts_at }) => starts_at));
  if (others.length === 0) return start;
  const starts = [start, ...others].join(', ');
  throw invalidStart(`addon ${code} is attached more than once: set starts_at to one of ${starts}`);
}

function end(addon: SentAddon, index: number, endsAt: string): SentAddon {
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

function invalidStart(message: string): ApplyError {
  return new ApplyError('the request', [
    { path: [...SUBSCRIPTION_PATH, 'addons', 0, 'starts_at'], kind: 'invalid', message },
  ]);
}
