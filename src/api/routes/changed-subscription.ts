import type { z } from 'zod';
import { SUBSCRIPTION_EXAMPLE, subscriptionSchema } from '../../db/catalogue/subscription-views.ts';
import type { ChangedSubscription } from '../../catalogue/change-subscription.ts';
import { SUBSCRIPTION } from './feed-problems.ts';
import { toWarnings, warningsSchema } from './feed-warnings.ts';

/** A subscription as it is after a change. */
export const changedSubscriptionSchema = subscriptionSchema
  .extend({ warnings: warningsSchema })
  .meta({ example: { ...SUBSCRIPTION_EXAMPLE, warnings: [] } });

export function toReply({
  subscription,
  changes,
}: ChangedSubscription): z.infer<typeof changedSubscriptionSchema> {
  return { ...subscription, warnings: toWarnings(SUBSCRIPTION, changes.warnings) };
}
