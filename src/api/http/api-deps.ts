import type { RequestHandler } from 'express';
import type { Bounds } from '../../domain/bounds.ts';
import type { WatchdogView } from '../../audit/watchdog.ts';
import type { Config } from '../../config.ts';
import type { Database, Queryable } from '../../db/pool.ts';
import type { DocumentRenderer } from '../../documents/renderer.ts';
import type { Ingestion } from '../../ingestion/ingestion.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Metrics } from '../../observability/metrics/api.ts';
import type { TemporalLinks } from '../../temporal/temporal-links.ts';
import type { MonthEndPort } from './month-end-port.ts';
import type { AllowsAddress } from '../../webhooks/addresses.ts';
import type { Timeouts } from './client-waits.ts';

/** All that the API needs from outside. */
export interface ApiDeps {
  readonly db: Database;
  /** Month end as a Temporal workflow; null where there is none to talk to. */
  readonly monthEnd: MonthEndPort | null;
  /** What the watchdog sees; null where there is none. */
  readonly watchdog: WatchdogView | null;
  readonly ingestion: Ingestion;
  readonly documents: DocumentRenderer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly config: Pick<
    Config['api'],
    | 'trustedProxies'
    | 'requestsPerMinute'
    | 'strangerRequestsPerMinute'
    | 'failedAuthsPerMinute'
    | 'maxBodyBytesInFlight'
    | 'signingMasterSecrets'
    | 'sessionSecret'
  >;
  /** Pages of the Temporal Web UI; without it no page links there. */
  readonly temporalLinks?: TemporalLinks | null;
  /** What each request goes through first; by default nothing. */
  readonly traceRequests?: RequestHandler | undefined;
  /** How long clients may take; by default `DEFAULT_TIMEOUTS`. */
  readonly timeouts?: Partial<Timeouts>;
  /** Tells streams that the server is shutting down. */
  readonly stopping?: AbortSignal;
  /** Where webhooks may go; by default to public addresses alone. */
  readonly allowsAddress?: AllowsAddress;
  /** The safety bounds of the month end, as the worker has them; by default none. */
  readonly bounds?: Bounds;
  readonly now: () => Date;
}

/** What a call is handled with: where its key is a tenant's, `db` shows that tenant's rows alone. */
export interface CallDeps extends Omit<ApiDeps, 'db'> {
  readonly db: Queryable;
}
