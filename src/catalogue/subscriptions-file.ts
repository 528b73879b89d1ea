import { z } from 'zod';
import {
  currencyCode,
  displayName,
  id,
  dateOrInstant,
  versionNumber,
  isBefore,
  isLocalDate,
  uniqueBy,
} from './catalogue-fields.ts';
import { parseInputFile, type InputFile } from './input-file.ts';
import { buyerDetails } from './parties.ts';
import { tenantTaxEntry } from './tax-file.ts';

/** The issue of an end that isn't after its start. */
export const endsLater = {
  path: ['ends_at'],
  error: 'expected an instant after starts_at',
};
/** Returns whether an end is after its start. A date and an instant are compared later, when the zone is known. */
export function isLater(startsAt: string | null, endsAt: string | null): boolean {
  if (endsAt === null) return true;
  if (startsAt === null) return false;
  return isLocalDate(startsAt) !== isLocalDate(endsAt) || isBefore(startsAt, endsAt);
}

/** Also a field of the body that attaches an addon. */
export const allowRepeated = z
  .boolean()
  .optional()
  .describe(
    'True: the addon may be in force at the same time as another one with the same code on this ' +
      'subscription, and each is billed. Without it: as stored, or false for a new addon.',
  );

const attachedAddon = z.strictObject({
  code: id('storage_50gb'),
  starts_at: dateOrInstant.optional().describe("Without it: the subscription's."),
  ends_at: dateOrInstant.nullable().default(null).describe('Null: no end yet.'),
  allow_repeated: allowRepeated,
});
type AttachedAddon = z.output<typeof attachedAddon>;

const terms = {
  plan: z
    .strictObject({ code: id('studio'), version: versionNumber })
    .nullable()
    .describe('Null: not known yet; month end parks the tenant until it is.'),
  starts_at: dateOrInstant
    .nullable()
    .describe('The first day, or instant, in force. Null: pending.'),
  ends_at: dateOrInstant
    .nullable()
    .default(null)
    .describe('The first day, or instant, no longer in force. Null: no end yet.'),
};
type Terms = z.output<z.ZodObject<typeof terms>>;

const SUBSCRIPTION_EXAMPLE = {
  plan: { code: 'studio', version: 1 },
  starts_at: '2026-05-20',
  ends_at: null,
  addons: [{ code: 'storage_50gb', starts_at: '2026-05-20', ends_at: null }],
};

const subscription = z
  .strictObject({
    subscription_id: id('acme-web-1'),
    ...terms,
    addons: z.array(attachedAddon).default([]),
  })
  .refine(({ starts_at, ends_at }) => isLater(starts_at, ends_at), endsLater)
  .transform((sent, context) => ({ ...sent, addons: placeAddons(sent, sent.addons, context) }));

/** The body of `PUT /api/v1/subscriptions/{subscription_id}`. Without `addons`, the attached ones stay. */
export const subscriptionBody = z
  .strictObject({
    deployment_id: id('acme-web'),
    ...terms,
    addons: z
      .array(attachedAddon)
      .optional()
      .describe(
        'All addons that were ever attached. Without it, the attached ones stay as they are.',
      ),
  })
  .refine(({ starts_at, ends_at }) => isLater(starts_at, ends_at), endsLater)
  .transform((sent, context) => ({
    ...sent,
    addons: sent.addons && placeAddons(sent, sent.addons, context),
  }))
  .meta({ example: { deployment_id: 'acme-web', ...SUBSCRIPTION_EXAMPLE } });

/** Returns the addons with their starts. An addon needs a start, and must end after it. */
function placeAddons(
  { starts_at: subscriptionStartsAt }: Terms,
  addons: readonly AttachedAddon[],
  context: z.RefinementCtx,
) {
  return addons.map((addon, index) => {
    const starts_at = addon.starts_at ?? subscriptionStartsAt;
    const at = (field: string) => ['addons', index, field];
    if (starts_at === null) {
      const message = 'required, because the subscription has none';
      context.addIssue({ code: 'custom', path: at('starts_at'), message });
    } else if (!isLater(starts_at, addon.ends_at)) {
      context.addIssue({ code: 'custom', path: at('ends_at'), message: endsLater.error });
    }
    return { ...addon, starts_at: starts_at ?? '' };
  });
}

const deployment = z.strictObject({
  deployment_id: id('acme-web'),
  subscriptions: z.array(subscription).default([]),
});

const TENANT_EXAMPLE = { name: 'Acme Pty Ltd', currency: 'AUD' };

/** A tenant's fields except its id. */
export const tenantTerms = z
  .strictObject({
    name: displayName,
    currency: currencyCode.describe('The currency of all its invoices; never changes.'),
    buyer: buyerDetails.nullish().describe('Null, or without it: stays as it is.'),
    tax: z
      .array(tenantTaxEntry)
      .superRefine(uniqueBy('a tax treatment from', 'from'))
      .optional()
      .describe(
        'The tax treatments that it has, each from a month on. Without it, and for other months: as recorded, ' +
          'or `gst`.',
      ),
  })
  .meta({ example: TENANT_EXAMPLE });

const tenant = z.strictObject({
  tenant_id: id('acme'),
  ...tenantTerms.shape,
  deployments: z.array(deployment).default([]),
});

/** The content of a subscriptions file, and the body of `PUT /api/v1/subscriptions`. */
export const subscriptionsFile = z
  .strictObject({
    tenants: z
      .array(tenant)
      .superRefine(uniqueBy('tenant', 'tenant_id'))
      .superRefine(checkDeployments),
  })
  .meta({
    example: {
      tenants: [
        {
          tenant_id: 'acme',
          ...TENANT_EXAMPLE,
          deployments: [
            {
              deployment_id: 'acme-web',
              subscriptions: [{ subscription_id: 'acme-web-1', ...SUBSCRIPTION_EXAMPLE }],
            },
          ],
        },
      ],
    },
  });

/** Adds an issue for each repeated id: ids of deployments and subscriptions are unique across tenants. */
function checkDeployments(tenants: readonly SentTenant[], context: z.RefinementCtx): void {
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
export type SentTenant = z.infer<typeof tenant>;
export type SentDeployment = z.infer<typeof deployment>;
export type SentSubscription = z.infer<typeof subscription>;
export type SentAddon = SentSubscription['addons'][number];
export type SubscriptionBody = z.output<typeof subscriptionBody>;

/**
 * Parses a subscriptions file.
 * @throws ApplyError
 */
export function parseSubscriptionsFile(file: InputFile): SubscriptionsFile {
  return parseInputFile(subscriptionsFile, file);
}
