import { z } from 'zod';
import { attach, detach } from '../../catalogue/attached-addons.ts';
import { changeSubscription, activate, cancel } from '../../catalogue/change-subscription.ts';
import { dateOrInstant } from '../../catalogue/catalogue-fields.ts';
import { toInstant } from '../../catalogue/local-dates.ts';
import {
  allowRepeated,
  isLater,
  type SentSubscription,
} from '../../catalogue/subscriptions-file.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { changedSubscriptionSchema, toReply } from './subscription-routes.ts';
import { addonParams, found, subscriptionParams } from './catalogue-params.ts';
import { SUBSCRIPTION_ADDON, answerApplyErrors, SUBSCRIPTION } from './catalogue-problems.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import type { Database } from '../../db/pool.ts';
import type { BillingCalendar } from '../../domain/billing-calendar.ts';

/** Attaches an addon to a subscription, with the current terms of the catalogue. */
export const attachAddon = defineRoute(
  {
    method: 'post',
    path: '/api/v1/subscriptions/{subscription_id}/addons',
    operationId: 'attachAddon',
    tag: 'Subscriptions',
    summary: 'Attach an addon',
    description:
      'Stores the current terms: later changes of the catalogue do not affect them. The code and starts_at ' +
      'identify an attached addon: sending the same again changes nothing, not even its terms, and does not ' +
      'undo a detachment. With another starts_at it is rejected (409) while the same addon is in force, ' +
      'because both would be billed; "allow_repeated": true attaches it again.',
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams,
    body: z
      .strictObject({
        code: externalId.meta({ example: 'storage_50gb' }),
        starts_at: dateOrInstant,
        ends_at: dateOrInstant.optional(),
        allow_repeated: allowRepeated,
      })
      .refine(({ starts_at, ends_at = null }) => isLater(starts_at, ends_at), {
        path: ['ends_at'],
        error: 'expected an instant after starts_at',
      })
      .meta({ example: { code: 'storage_50gb', starts_at: '2026-05-20' } }),
    responses: {
      200: { description: 'The addon was already attached', schema: changedSubscriptionSchema },
      201: { description: 'The subscription with the addon', schema: changedSubscriptionSchema },
    },
    problems: ['not-found', 'data-conflict'],
  },
  async ({ params: { subscription_id: id }, body }, { db }) => {
    const changed = await answerApplyErrors('data-conflict', SUBSCRIPTION_ADDON, () =>
      changeSubscription(db, id, (stored, calendar) => attach(stored, inInstants(calendar, body))),
    );
    const result = found(changed, `subscription ${id}`);
    return reply(result.changes.newAddons.length > 0 ? 201 : 200, toReply(result));
  },
);

/** Ends an attached addon. */
export const detachAddon = defineRoute(
  {
    method: 'post',
    path: '/api/v1/subscriptions/{subscription_id}/addons/{addon_code}/detach',
    operationId: 'detachAddon',
    tag: 'Subscriptions',
    summary: 'End an attached addon, now or later',
    description:
      'Sending the same end again changes nothing; a different end is rejected. To correct it, PUT the ' +
      'subscription with its addons.',
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams.extend(addonParams.shape),
    body: z
      .strictObject({
        ends_at: dateOrInstant.describe('The first day, or instant, no longer in force.'),
        starts_at: dateOrInstant
          .optional()
          .describe('Selects one: required if this addon was attached more than once.'),
      })
      .meta({ example: { ends_at: '2026-08-01' } }),
    responses: {
      200: { description: 'The changed subscription', schema: changedSubscriptionSchema },
    },
    problems: ['not-found', 'data-conflict'],
  },
  async ({ params: { subscription_id: id, addon_code: code }, body }, { db }) => {
    const changed = await answerApplyErrors('data-conflict', SUBSCRIPTION_ADDON, () =>
      changeSubscription(db, id, (stored, calendar) =>
        found(
          detach(stored, { code, ...inInstants(calendar, body) }),
          `addon ${code} of subscription ${id}`,
        ),
      ),
    );
    return reply(200, toReply(found(changed, `subscription ${id}`)));
  },
);

const SET_ONCE =
  'Sending the same instant again changes nothing. A different one is rejected, so that a late or repeated ' +
  'request cannot undo a correction. To correct it, PUT the subscription.';

const RESPONSES = {
  200: { description: 'The changed subscription', schema: changedSubscriptionSchema },
} as const;

/** Starts a pending subscription. */
export const activateSubscription = defineRoute(
  {
    method: 'post',
    path: '/api/v1/subscriptions/{subscription_id}/activate',
    operationId: 'activateSubscription',
    tag: 'Subscriptions',
    summary: 'Start a pending subscription',
    description: SET_ONCE,
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams,
    body: z.strictObject({ starts_at: dateOrInstant.meta({ example: '2026-05-20' }) }),
    responses: RESPONSES,
    problems: ['not-found', 'data-conflict'],
  },
  async ({ params, body }, { db }) =>
    reply(
      200,
      await live(db, params.subscription_id, (stored, calendar) =>
        activate(stored, toInstant(calendar, body.starts_at)),
      ),
    ),
);

/** Ends a subscription. */
export const cancelSubscription = defineRoute(
  {
    method: 'post',
    path: '/api/v1/subscriptions/{subscription_id}/cancel',
    operationId: 'cancelSubscription',
    tag: 'Subscriptions',
    summary: 'End a subscription, now or later',
    description:
      'Its last day is the one before. With proration `daily` the month end bills the days of its last month, ' +
      'with `none` no base price and no addons for that month, unless the deployment also has a daily plan in it. ' +
      `Usage is billed in either case. Its addons end with it. ${SET_ONCE}`,
    scopes: ['operator'],
    rateLimited: true,
    params: subscriptionParams,
    body: z.strictObject({
      ends_at: dateOrInstant
        .describe('The first day, or instant, no longer in force.')
        .meta({ example: '2026-08-01' }),
    }),
    responses: RESPONSES,
    problems: ['not-found', 'data-conflict'],
  },
  async ({ params, body }, { db }) =>
    reply(
      200,
      await live(db, params.subscription_id, (stored, calendar) =>
        cancel(stored, toInstant(calendar, body.ends_at)),
      ),
    ),
);

async function live(
  db: Database,
  subscriptionId: string,
  change: (stored: SentSubscription, calendar: BillingCalendar) => SentSubscription,
) {
  const changed = await answerApplyErrors('data-conflict', SUBSCRIPTION, () =>
    changeSubscription(db, subscriptionId, change),
  );
  return toReply(found(changed, `subscription ${subscriptionId}`));
}

/** Returns the body of an addon's request with instants in place of local dates. */
function inInstants<
  Body extends { readonly starts_at?: string | undefined; readonly ends_at?: string | undefined },
>(calendar: BillingCalendar, body: Body): Body {
  const { starts_at, ends_at } = body;
  return {
    ...body,
    ...(starts_at !== undefined && { starts_at: toInstant(calendar, starts_at) }),
    ...(ends_at !== undefined && { ends_at: toInstant(calendar, ends_at) }),
  };
}
