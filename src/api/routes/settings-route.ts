import { billingSettingsSchema, readBillingSettings } from '../../db/settings/billing-settings.ts';
import { defineRoute, reply } from '../http/define-route.ts';

/** The settings that callers need to know which month an instant belongs to. */
export const getSettings = defineRoute(
  {
    method: 'get',
    path: '/api/v1/settings',
    operationId: 'getSettings',
    tag: 'System',
    summary: 'Read the billing time zone',
    description:
      'Months and days begin at midnight in this zone; instants in the API are in UTC. An operator sets it with ' +
      'the command `settings set` before the first usage.',
    scopes: ['gateway', 'metering', 'operator', 'tenant'],
    rateLimited: true,
    responses: { 200: { description: 'The settings', schema: billingSettingsSchema } },
  },
  async (_call, { db }) => reply(200, await readBillingSettings(db)),
);
