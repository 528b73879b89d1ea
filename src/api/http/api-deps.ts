import type { RequestHandler } from 'express';
import type { Bounds } from '../../domain/bounds.ts';
import type { ControlTotalsPolicy } from '../../domain/gateway-totals.ts';
import type { WatchdogView } from '../../audit/watchdog.ts';
import type { Config } from '../../config.ts';
import type { Database, Queryable } from '../../db/pool.ts';
import type { DocumentRenderer } from '../../documents/renderer.ts';
import type { Ingestion } from '../../ingestion/ingestion.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Metrics } from '../../observability/metrics/api-metrics.ts';
import type { TemporalLinks } from '../../temporal/temporal-links.ts';
import type { MonthEndPort } from './month-end-port.ts';
import type { AllowsAddress } from '../../webhooks/addresses.ts';
import type { Timeouts } from './client-waits.ts';

/** Everything the API needs from outside. */
export interface ApiDeps {
  readonly db: Database;
  /** Access to the month-end workflows; null without a Temporal server. */
  readonly monthEnd: MonthEndPort | null;
  /** Latest findings of the watchdog; null where none runs. */
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
    | 'usage'
    | 'litellmFreeModels'
  >;
  /** Links into the Temporal Web UI; without them pages have no such links. */
  readonly temporalLinks?: TemporalLinks | null;
  /** Middleware that traces requests, before all others; by default none. */
  readonly traceRequests?: RequestHandler | undefined;
  /** Time limits for clients; by default `DEFAULT_TIMEOUTS`. */
  readonly timeouts?: Partial<Timeouts>;
  /** Aborted when the server shuts down, so that streams end. */
  readonly stopping?: AbortSignal;
  /** Addresses that webhooks may be sent to; by default public ones only. */
  readonly allowsAddress?: AllowsAddress;
  /** The safety bounds that the worker applies at month end; by default none. */
  readonly bounds?: Bounds;
  /** What the worker does about the gateway's control totals; by default it reports them. */
  readonly controlTotals?: ControlTotalsPolicy;
  readonly now: () => Date;
}

/** Dependencies of one call. With a tenant key, `db` shows only that tenant's rows. */
export interface CallDeps extends Omit<ApiDeps, 'db'> {
  readonly db: Queryable;
}
