import { z } from 'zod';
import { DEFAULT_BOUNDS, type AmountPerCurrency, type Bounds } from './domain/bounds.ts';
import { CONTROL_TOTALS_POLICIES, type ControlTotalsPolicy } from './domain/gateway-totals.ts';
import { isCurrency } from './domain/currency.ts';
import { parseAmount } from './domain/format.ts';
import { explainIssue, sayOf } from './lib/explain-issue.ts';
import { SAMPLERS, type TracingSettings } from './observability/tracing/tracing-settings.ts';
import { allowsPublicAnd, type AllowsAddress } from './webhooks/addresses.ts';

/**
 * The configuration, read from the environment once at startup and passed to everything else. `docs/operations/install-and-configure.md` lists the variables.
 *
 * Temporal's address, namespace, TLS and API key are not here: @temporalio/envconfig reads them (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, ...).
 */
export interface Config {
  readonly databaseUrl: string;
  /** The role that owns the tables; only `migrate` uses it. */
  readonly migratorDatabaseUrl: string;
  /** Timeout of a statement in PostgreSQL. */
  readonly statementTimeoutSeconds: number;
  readonly logLevel: string;
  readonly api: {
    readonly host: string;
    readonly port: number;
    /** Express's `trust proxy`: the number of proxies in front of the API. */
    readonly trustedProxies: number;
    readonly maxConnections: number;
    /** Requests per key and minute; ingestion is limited by its queue instead. */
    readonly requestsPerMinute: number;
    /** Requests without a valid key, per address and minute. */
    readonly failedAuthsPerMinute: number;
    /** Requests that need no key, per address and minute; probes aren't counted. */
    readonly strangerRequestsPerMinute: number;
    /** How long a client may take to send a body, to continue a stream, and to read a response. */
    readonly clientTimeoutSeconds: number;
    /** Maximum number of client connections. */
    readonly maxClients: number;
    /** Memory budget for bodies whose requests are not answered yet. */
    readonly maxBodyBytesInFlight: number;
    /** How far from our clock the time of new usage may be. */
    readonly usage: { readonly maxAgeDays: number; readonly maxAheadSeconds: number };
    /** LiteLLM's models without a price that are free: names, or the beginning of names and `*`. */
    readonly litellmFreeModels: readonly string[];
    /** How usage is committed, separately per source. */
    readonly ingestion: {
      /** Number of concurrent groups of events, each with separate deployments. */
      readonly maxConcurrent: number;
      /** Maximum number of events per group. */
      readonly maxGroupItems: number;
    };
    /** The master secrets from which signing secrets are derived, newest first; empty: signing is off. */
    readonly signingMasterSecrets: readonly string[];
    /** The secret that signs the pages' sessions; null: a secret of this process only. */
    readonly sessionSecret: string | null;
    /** URL of the Temporal Web UI; null: no page links to it. */
    readonly temporalUiUrl: string | null;
  };
  readonly worker: {
    readonly maxConnections: number;
    readonly maxConcurrentLocalActivities: number;
    /** Slots for the month's own steps; a tenant's steps are local activities. */
    readonly maxConcurrentActivities: number;
    readonly maxConcurrentWorkflowTasks: number;
    readonly maxCachedWorkflows: number;
    readonly shutdownGraceSeconds: number;
    /** A file with prebundled workflow code; null: bundle it at startup. */
    readonly workflowBundlePath: string | null;
    /** The workers' common name in Worker Versioning. */
    readonly deploymentName: string;
    /** This worker's build; null: Worker Versioning is off (ADR 17). */
    readonly buildId: string | null;
    /** Bounds beyond which an operator must accept a total before it is issued. */
    readonly bounds: Bounds;
    /** Address of the worker's metrics; null: none, and the SDK's metrics are off. */
    readonly metrics: { readonly host: string; readonly port: number } | null;
  };
  /** What the month end does about the gateway's control totals. */
  readonly controlTotals: ControlTotalsPolicy;
  /** Networks that webhooks may be sent to, in addition to public addresses. */
  readonly webhooks: { readonly allowsAddress: AllowsAddress };
  /** Settings of the watchdog, which detects months that were not closed. */
  readonly watchdog: {
    readonly intervalSeconds: number;
    /** Measured from the month's last instant. */
    readonly closeWithinHours: number;
    readonly stalledAfterMinutes: number;
    /** Days after which invoices that wait for their release are a finding and, each day, a webhook event. */
    readonly reviewReminderDays: number;
  };
  /** Numbers of full months, in addition to the current one. */
  readonly archive: {
    /** Months whose events `usage archive` leaves in the ledger. */
    readonly hotMonths: number;
    /** Months whose events `usage expire` leaves in the archive. */
    readonly retentionMonths: number;
  };
  /** Null: tracing is off and its code is not loaded. */
  readonly tracing: TracingSettings | null;
  /** How long to retry connecting to PostgreSQL and Temporal at startup. */
  readonly startTimeoutSeconds: number;
}

const count = (fallback: number) => z.coerce.number().int().positive().default(fallback);
const months = (fallback: number, min: number) =>
  z.coerce.number().int().min(min).max(1200).default(fallback);

/** A shorter secret could be guessed from one signature. */
const MIN_MASTER_SECRET = 32;
const masterSecrets = z
  .string()
  .transform((list) => list.split(',').map((secret) => secret.trim()))
  .refine((list) => list.every(({ length }) => length >= MIN_MASTER_SECRET), {
    error: `expected secrets of ${MIN_MASTER_SECRET} characters or more, separated by commas`,
  });

/** Parses networks into a rule for addresses; the message names an invalid network. */
const networks = z.string().transform((list, context) => {
  try {
    return allowsPublicAnd(list.split(',').map((network) => network.trim()));
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : String(error));
    return z.NEVER;
  }
});

const sessionSecret = z.string().min(MIN_MASTER_SECRET, {
  error: `expected ${MIN_MASTER_SECRET} characters or more`,
});

const models = z.string().transform((list) =>
  list
    .split(',')
    .map((model) => model.trim())
    .filter((model) => model !== ''),
);

/** A decimal of at least 1; 0 means no bound and is read as null. */
const ratio = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,5}(?:\.\d{1,6})?)$/, 'expected a decimal of at least 1, such as 10; or 0')
  .transform((text) => (text === '0' ? null : text));

/** Amounts in major units such as `AUD=10000,JPY=1500000`; other currencies keep the default. */
const amounts = (otherCents: number) =>
  z
    .string()
    .default('')
    .transform((list, context): AmountPerCurrency => {
      const byCurrency = new Map<string, number>();
      for (const entry of list === '' ? [] : list.split(',')) {
        const [currency = '', text = ''] = entry.trim().split('=');
        const cents = isCurrency(currency) ? parseAmount(text, currency) : null;
        if (cents === null) {
          context.addIssue(
            `expected amounts such as AUD=10000,JPY=1500000, not ${JSON.stringify(entry)}`,
          );
          return z.NEVER;
        }
        byCurrency.set(currency, cents);
      }
      return { byCurrency, otherCents };
    });

/** Temporal writes name and build as `name:build`, in some places as `name.build`. */
const deploymentName = z
  .string()
  .regex(/^[\w-]{1,200}$/, 'expected only letters, digits, "-" and "_"');
const buildId = z
  .string()
  .regex(/^[\w.+-]{1,200}$/, 'expected only letters, digits, ".", "+", "-" and "_"');

const environment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  DATABASE_MIGRATOR_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  DATABASE_STATEMENT_TIMEOUT_SECONDS: count(60),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  API_TRUSTED_PROXIES: z.coerce.number().int().min(0).default(0),
  API_MAX_CONNECTIONS: count(10),
  API_REQUESTS_PER_MINUTE: count(6000),
  API_FAILED_AUTHS_PER_MINUTE: count(60),
  API_STRANGER_REQUESTS_PER_MINUTE: count(600),
  API_CLIENT_TIMEOUT_SECONDS: count(30),
  API_MAX_CLIENTS: count(2000),
  API_MAX_BODY_BYTES_IN_FLIGHT: count(64 * 1024 * 1024),
  USAGE_MAX_AGE_DAYS: count(62),
  USAGE_MAX_AHEAD_SECONDS: count(300),
  LITELLM_FREE_MODELS: models.optional(),
  // The database has the same minimums.
  USAGE_HOT_MONTHS: months(13, 3),
  USAGE_RETENTION_MONTHS: months(84, 12),
  INGESTION_CONCURRENT_GROUPS: count(2),
  INGESTION_GROUP_EVENTS: count(2_000),
  SIGNING_MASTER_SECRETS: masterSecrets.optional(),
  SESSION_SECRET: sessionSecret.optional(),
  TEMPORAL_UI_URL: z.url({ protocol: /^https?$/ }).optional(),
  WORKER_MAX_CONNECTIONS: count(20),
  WORKER_LOCAL_ACTIVITIES: count(20),
  WORKER_ACTIVITIES: count(20),
  // With one slot, cached workflows would leave none for tasks that the server sends to any worker.
  WORKER_WORKFLOW_TASKS: z.coerce.number().int().min(2).default(40),
  WORKER_CACHED_WORKFLOWS: count(500),
  WORKER_SHUTDOWN_GRACE_SECONDS: count(20),
  WORKFLOW_BUNDLE: z.string().optional(),
  WORKER_BUILD_ID: buildId.optional(),
  WORKER_DEPLOYMENT_NAME: deploymentName.default('arcadia-invoicing'),
  WORKER_METRICS_HOST: z.string().default('127.0.0.1'),
  WORKER_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  INVOICE_BOUNDS_RATIO: ratio.default(DEFAULT_BOUNDS.ratio),
  INVOICE_BOUNDS_FLOOR: amounts(DEFAULT_BOUNDS.floor.otherCents),
  // `0` alone: no limit.
  INVOICE_BOUNDS_FIRST_MAX: z
    .literal('0')
    .transform(() => null)
    .or(amounts(DEFAULT_BOUNDS.firstMax.otherCents)),
  CONTROL_TOTALS: z.enum(CONTROL_TOTALS_POLICIES).default('report'),
  WEBHOOK_ALLOWED_NETWORKS: networks.optional(),
  START_TIMEOUT_SECONDS: count(60),
  OTEL_SDK_DISABLED: z.string().optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  WATCHDOG_INTERVAL_SECONDS: count(60),
  // The Schedule's 06:00 plus two hours.
  WATCHDOG_CLOSE_WITHIN_HOURS: count(8),
  WATCHDOG_STALLED_AFTER_MINUTES: count(15),
  REVIEW_REMINDER_DAYS: count(3),
});

/** A variable is missing or malformed; the message names every such variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * @param env usually `process.env`
 * @throws ConfigError that names every invalid variable
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  // An empty variable counts as absent: compose files leave a variable out that way.
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = environment.safeParse(present, { error: explainIssue });
  if (!result.success) {
    const problems = result.error.issues.map(
      ({ path, message }) => `  ${sayOf(path.join('.'), message)}`,
    );
    throw new ConfigError(`The environment is not complete:\n${problems.join('\n')}`);
  }
  const e = result.data;
  return {
    databaseUrl: e.DATABASE_URL,
    migratorDatabaseUrl: e.DATABASE_MIGRATOR_URL ?? e.DATABASE_URL,
    statementTimeoutSeconds: e.DATABASE_STATEMENT_TIMEOUT_SECONDS,
    logLevel: e.LOG_LEVEL,
    api: {
      host: e.API_HOST,
      port: e.API_PORT,
      trustedProxies: e.API_TRUSTED_PROXIES,
      maxConnections: e.API_MAX_CONNECTIONS,
      requestsPerMinute: e.API_REQUESTS_PER_MINUTE,
      failedAuthsPerMinute: e.API_FAILED_AUTHS_PER_MINUTE,
      strangerRequestsPerMinute: e.API_STRANGER_REQUESTS_PER_MINUTE,
      clientTimeoutSeconds: e.API_CLIENT_TIMEOUT_SECONDS,
      maxClients: e.API_MAX_CLIENTS,
      maxBodyBytesInFlight: e.API_MAX_BODY_BYTES_IN_FLIGHT,
      usage: { maxAgeDays: e.USAGE_MAX_AGE_DAYS, maxAheadSeconds: e.USAGE_MAX_AHEAD_SECONDS },
      litellmFreeModels: e.LITELLM_FREE_MODELS ?? [],
      ingestion: {
        maxConcurrent: e.INGESTION_CONCURRENT_GROUPS,
        maxGroupItems: e.INGESTION_GROUP_EVENTS,
      },
      signingMasterSecrets: e.SIGNING_MASTER_SECRETS ?? [],
      sessionSecret: e.SESSION_SECRET ?? null,
      temporalUiUrl: e.TEMPORAL_UI_URL ?? null,
    },
    worker: {
      // Each activity holds a connection, so slots beyond the connections would only queue.
      maxConnections: e.WORKER_MAX_CONNECTIONS,
      maxConcurrentLocalActivities: Math.min(e.WORKER_LOCAL_ACTIVITIES, e.WORKER_MAX_CONNECTIONS),
      maxConcurrentActivities: Math.min(e.WORKER_ACTIVITIES, e.WORKER_MAX_CONNECTIONS),
      maxConcurrentWorkflowTasks: e.WORKER_WORKFLOW_TASKS,
      maxCachedWorkflows: e.WORKER_CACHED_WORKFLOWS,
      shutdownGraceSeconds: e.WORKER_SHUTDOWN_GRACE_SECONDS,
      workflowBundlePath: e.WORKFLOW_BUNDLE ?? null,
      deploymentName: e.WORKER_DEPLOYMENT_NAME,
      buildId: e.WORKER_BUILD_ID ?? null,
      bounds: {
        ratio: e.INVOICE_BOUNDS_RATIO,
        floor: e.INVOICE_BOUNDS_FLOOR,
        firstMax: e.INVOICE_BOUNDS_FIRST_MAX,
      },
      metrics:
        e.WORKER_METRICS_PORT === undefined
          ? null
          : { host: e.WORKER_METRICS_HOST, port: e.WORKER_METRICS_PORT },
    },
    controlTotals: e.CONTROL_TOTALS,
    webhooks: { allowsAddress: e.WEBHOOK_ALLOWED_NETWORKS ?? allowsPublicAnd([]) },
    watchdog: {
      intervalSeconds: e.WATCHDOG_INTERVAL_SECONDS,
      closeWithinHours: e.WATCHDOG_CLOSE_WITHIN_HOURS,
      stalledAfterMinutes: e.WATCHDOG_STALLED_AFTER_MINUTES,
      reviewReminderDays: e.REVIEW_REMINDER_DAYS,
    },
    archive: { hotMonths: e.USAGE_HOT_MONTHS, retentionMonths: e.USAGE_RETENTION_MONTHS },
    tracing: tracingSettings(e),
    startTimeoutSeconds: e.START_TIMEOUT_SECONDS,
  };
}

/** Follows OpenTelemetry's specification; in addition, setting an endpoint turns tracing on. */
function tracingSettings(e: z.output<typeof environment>): TracingSettings | null {
  const base = e.OTEL_EXPORTER_OTLP_ENDPOINT;
  const url =
    e.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/$/, '')}/v1/traces`);
  if (url === undefined || e.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return null;
  return {
    url,
    sampler: e.OTEL_TRACES_SAMPLER,
    ratio: e.OTEL_TRACES_SAMPLER_ARG,
    serviceName: e.OTEL_SERVICE_NAME ?? null,
  };
}
