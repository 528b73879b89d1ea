import type { Client } from '@temporalio/client';
import type { Bounds } from '../domain/bounds.ts';
import type { ControlTotalsPolicy } from '../domain/gateway-totals.ts';
import type { Database } from '../db/pool.ts';
import type { TimeBounds } from '../ingestion/time-bounds.ts';
import type { Logger } from '../lib/logger.ts';
import type { WebhookSettings } from '../webhooks/delivery-settings.ts';

/** The dependencies of activities, which read no environment and keep no other state. */
export interface ActivityDeps {
  readonly db: Database;
  readonly client: Client;
  readonly logger: Logger;
  /** Bounds beyond which an operator must accept a total before it is issued. */
  readonly bounds: Bounds;
  /** Only `park` makes the month end compare the gateway's control totals; by default it doesn't. */
  readonly controlTotals?: ControlTotalsPolicy;
  /** The current time, used only to decide whether a month is over. */
  readonly now: () => Date;
  /** Days after which a webhook event reminds of invoices that wait for release; absent: never. */
  readonly reviewReminderDays?: number;
  /** The bounds of the time of usage; by default 62 days and 5 minutes. */
  readonly timeBounds?: TimeBounds;
  /** Settings of webhook delivery; defaults are in `DEFAULT_WEBHOOK_SETTINGS`. */
  readonly webhooks?: Partial<WebhookSettings>;
}
