import { z } from 'zod';
import { currencyCode, displayName, id, storedInstant } from './fields.ts';
import { isBefore } from './instants.ts';
import { parseFeed, type FeedFile } from './parse-feed.ts';
import { uniqueBy } from './unique.ts';

const endsLater = {
  path: ['ends_at'],
  error: 'expected an instant after starts_at',
};
function isLater(startsAt: string | null, endsAt: string | null): boolean {
  return endsAt === null || (startsAt !== null && isBefore(startsAt, endsAt));
}

const attachedAddon = z.strictObject({
  code: id,
  starts_at: storedInstant.optional(),
  ends_at: storedInstant.nullable().default(null),
});

const subscription = z
  .strictObject({
    subscription_id: id,
    plan: z.strictObject({ code: id, version: z.int().positive() }).nullable(),
    starts_at: storedInstant.nullable(),
    ends_at: storedInstant.nullable().default(null),
    addons: z.array(attachedAddon).default([]),
  })
  .refine(({ starts_at, ends_at }) => isLater(starts_at, ends_at), endsLater)
  .transform(({ addons, ...rest }, context) => ({
    ...rest,
    addons: addons.map((addon, index) => {
      const starts_at = addon.starts_at ?? rest.starts_at;
      const at = (field: string) => ['addons', index, field];
      if (starts_at === null) {
        const message = 'needed, because the subscription has none';
        context.addIssue({ code: 'custom', path: at('starts_at'), message });
      } else if (!isLater(starts_at, addon.ends_at)) {
        context.addIssue({ code: 'custom', path: at('ends_at'), message: endsLater.error });
      }
      return { ...addon, starts_at: starts_at ?? '' };
    }),
  }));

const deployment = z.strictObject({
  deployment_id: id,
  subscriptions: z.array(subscription).default([]),
});

const tenant = z.strictObject({
  tenant_id: id,
  name: displayName,
  currency: currencyCode,
  deployments: z.array(deployment).default([]),
});

const subscriptionsFile = z.strictObject({
  tenants: z
    .array(tenant)
    .superRefine(uniqueBy('tenant', 'tenant_id'))
    .superRefine(checkDeployments),
});

/** Deployments and subscriptions are known by their ids alone, whoever's they are. */
function checkDeployments(tenants: readonly FedTenant[], context: z.RefinementCtx): void {
  const seen = { deployment: new Set<string>(), subscription: new Set<string>() };
  const check = (what: keyof typeof seen, value: string, path: PropertyKey[]) => {
    if (seen[what].has(value)) {
      const message = `${what} ${JSON.stringify(value)} is here twice`;
      context.addIssue({ code: 'custom', path: [...path, `${what}_id`], message });
    }
    seen[what].add(value);
  };
  tenants.forEach(({ deployments }, i) =>
    deployments.forEach(({ deployment_id, subscriptions }, j) => {
      const path = [i, 'deployments', j];
      check('deployment', deployment_id, path);
      subscriptions.forEach(({ subscription_id }, k) =>
        check('subscription', subscription_id, [...path, 'subscriptions', k]),
      );
    }),
  );
}

/** Tenants with their deployments and subscriptions, as a file lists them. */
export type SubscriptionsFile = z.infer<typeof subscriptionsFile>;
export type FedTenant = z.infer<typeof tenant>;
export type FedSubscription = z.infer<typeof subscription>;
export type FedAddon = FedSubscription['addons'][number];

/** @throws FeedError */
export function parseSubscriptionsFile(file: FeedFile): SubscriptionsFile {
  return parseFeed(subscriptionsFile, file);
}
