import { inApplyTurn } from '../db/settings/apply-turn.ts';
import type { Database } from '../db/pool.ts';
import type { BillingCalendar } from '../domain/billing-calendar.ts';
import { showSubscription, type SubscriptionView } from '../db/catalogue/subscription-views.ts';
import { applyDeployment } from './apply-subscriptions.ts';
import type { SubscriptionChanges } from './subscription-changes.ts';
import type { SentSubscription } from './subscriptions-file.ts';
import { isBefore } from './catalogue-fields.ts';
import { conflictAt } from './apply-error.ts';

/** A subscription after a change, and what changed. */
export interface ChangedSubscription {
  readonly subscription: SubscriptionView;
  readonly changes: SubscriptionChanges;
}

/**
 * Changes a stored subscription: applies what `change` returns for it.
 * @returns null if it doesn't exist
 * @throws ApplyError; whatever `change` throws
 */
export async function changeSubscription(
  db: Database,
  subscriptionId: string,
  change: (stored: SentSubscription, calendar: BillingCalendar) => SentSubscription,
): Promise<ChangedSubscription | null> {
  return inApplyTurn(db, async (tx, calendar) => {
    const stored = await showSubscription(tx, subscriptionId);
    if (stored === null) return null;
    const { tenant_id, deployment_id } = stored;
    const wanted = change(toSent(stored), calendar);
    const changes = await applyDeployment(tx, calendar, tenant_id, {
      deployment_id,
      subscriptions: [wanted],
    });
    const subscription = await showSubscription(tx, subscriptionId);
    return subscription && { subscription, changes };
  });
}

function toSent(stored: SubscriptionView): SentSubscription {
  const { subscription_id, plan, starts_at, ends_at, addons } = stored;
  return {
    subscription_id,
    plan,
    starts_at,
    ends_at,
    addons: addons.map((addon) => ({
      code: addon.code,
      starts_at: addon.starts_at,
      ends_at: addon.ends_at,
    })),
  };
}

/**
 * Activating and cancelling set an instant that isn't set yet; repeating the request changes nothing. They
 * never move an instant, so that a late or repeated request can't undo a correction: only a PUT of the whole
 * subscription moves one.
 */

/**
 * Starts a pending subscription.
 * @param startsAt as PostgreSQL stores it
 * @throws ApplyError
 */
export function activate(stored: SentSubscription, startsAt: string): SentSubscription {
  if (stored.starts_at === startsAt) return stored;
  if (stored.starts_at !== null) {
    throw conflictAt(
      ['starts_at'],
      `subscription ${stored.subscription_id} starts at ${stored.starts_at}: PUT it to move that`,
    );
  }
  return { ...stored, starts_at: startsAt };
}

/**
 * Ends a subscription.
 * @param endsAt as PostgreSQL stores it; may be in the future
 * @throws ApplyError
 */
export function cancel(stored: SentSubscription, endsAt: string): SentSubscription {
  const { subscription_id: id, starts_at, ends_at } = stored;
  if (ends_at === endsAt) return stored;
  if (ends_at !== null) {
    throw conflictAt(['ends_at'], `subscription ${id} ends at ${ends_at}: PUT it to move that`);
  }
  if (starts_at === null) {
    throw conflictAt(['ends_at'], `subscription ${id} has no start: there is nothing to end`);
  }
  if (!isBefore(starts_at, endsAt)) {
    throw conflictAt(
      ['ends_at'],
      `subscription ${id} starts at ${starts_at}: expected a later end`,
    );
  }
  return { ...stored, ends_at: endsAt };
}
