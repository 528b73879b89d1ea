import type { Client } from '@temporalio/client';
import type { Bounds } from '../domain/bounds.ts';
import type { Database } from '../db/pool.ts';
import type { Logger } from '../lib/logger.ts';
import type { WebhookSettings } from '../webhooks/delivery-settings.ts';

/** What the activities work with. They read no environment and keep no other state. */
export interface ActivityDeps {
  readonly db: Database;
  readonly client: Client;
  readonly logger: Logger;
  /** How many times the last total an invoice may be, a decimal string; null: no bound. */
  readonly bounds: Bounds;
  /** The time, as far as "is this month over" goes; nothing else depends on it. */
  readonly now: () => Date;
  /** How events are delivered; what is left out as by `DEFAULT_WEBHOOK_SETTINGS`. */
  readonly webhooks?: Partial<WebhookSettings>;
}
