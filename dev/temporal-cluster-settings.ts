/**
 * Settings that production's Temporal cluster (`docker-compose.yml`) shares with the cluster that the tests start
 * (`temporal-cluster.ts`), so that the tests run what production runs.
 */
import { SERVER_VERSION } from '../scripts/lib/temporal-server.mjs';

/** Version of `temporal-server`, its tools and its schema. The Temporal CLI's dev server has the same one. */
export const TEMPORAL_SERVER_VERSION = SERVER_VERSION;

/** Number of history shards. It is fixed when the databases are created and can't be changed later. */
export const HISTORY_SHARDS = 512;

/**
 * How long a namespace keeps closed workflows: a day longer than a month stays open for corrections (45 days). The
 * repair after a restore needs the first run of an open month, which may have closed when it continued as new.
 */
export const NAMESPACE_RETENTION_DAYS = 46;

/** The PostgreSQL role of the server. It owns its two databases and can't enter the books. */
export const TEMPORAL_ROLE = 'temporal';

/** The server's databases: workflows, and the index by which they are found. */
export const TEMPORAL_DATABASES = {
  default: 'temporal',
  visibility: 'temporal_visibility',
} as const;

/**
 * Connections per pool. Each of the server's four services has a pool of its own for each database, so a server holds up
 * to four times their sum.
 */
export const TEMPORAL_POOL_SIZES = { default: 12, visibility: 5 } as const;

/** Environment variables of the server that don't depend on the machine; its configuration template reads them. */
export const TEMPORAL_SERVER_ENV: Readonly<Record<string, string>> = {
  DB: 'postgres12',
  DBNAME: TEMPORAL_DATABASES.default,
  VISIBILITY_DBNAME: TEMPORAL_DATABASES.visibility,
  POSTGRES_USER: TEMPORAL_ROLE,
  SQL_MAX_CONNS: String(TEMPORAL_POOL_SIZES.default),
  SQL_MAX_IDLE_CONNS: String(TEMPORAL_POOL_SIZES.default),
  SQL_VIS_MAX_CONNS: String(TEMPORAL_POOL_SIZES.visibility),
  SQL_VIS_MAX_IDLE_CONNS: String(TEMPORAL_POOL_SIZES.visibility),
};
