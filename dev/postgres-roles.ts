import { createHmac } from 'node:crypto';
import pg from 'pg';

const MIGRATOR = 'arcadia_migrator';
const APP = 'arcadia_app';
const API = 'arcadia_api';
const WORKER = 'arcadia_worker';
const READONLY = 'arcadia_readonly';
/** Without login: the API switches to it for a tenant's call. */
const TENANT = 'arcadia_tenant';
const LOGINS = [APP, API, WORKER, READONLY];
/** Arbitrary, but the same for all processes that create roles. */
const LOCK_KEY = 4_217_002;

export interface DatabaseUrls {
  /** Owner of the database and everything in it; only for migrations. */
  migratorUrl: string;
  /** For the API; the migrations grant each role its rights. */
  apiUrl: string;
  workerUrl: string;
  /** For the CLI; has the rights of both API and worker. */
  appUrl: string;
  /** For support and reports. */
  readonlyUrl: string;
}

/** A role's password, derived from the superuser's so that only one secret is on disk. */
export function passwordFor(superuserUrl: string, role: string): string {
  const secret = decodeURIComponent(new URL(superuserUrl).password);
  return createHmac('sha256', secret).update(role).digest('base64url');
}

function urlFor(superuserUrl: string, role: string, database: string): string {
  const url = new URL(superuserUrl);
  url.username = role;
  url.password = passwordFor(superuserUrl, role);
  url.pathname = `/${database}`;
  return url.href;
}

/** The URLs of a database, which need not exist yet. */
export function databaseUrls(superuserUrl: string, database: string): DatabaseUrls {
  return {
    migratorUrl: urlFor(superuserUrl, MIGRATOR, database),
    apiUrl: urlFor(superuserUrl, API, database),
    workerUrl: urlFor(superuserUrl, WORKER, database),
    appUrl: urlFor(superuserUrl, APP, database),
    readonlyUrl: urlFor(superuserUrl, READONLY, database),
  };
}

/** Runs `work` on a superuser connection, one process at a time per cluster. */
export async function asSuperuser<T>(
  superuserUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    // Held until the connection ends: concurrent changes of roles or of a template database fail.
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Creates a role without special rights, or gives an existing one these attributes. */
export async function ensureRole(
  client: pg.Client,
  role: string,
  attributes: string,
): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  await client.query(
    `${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${pg.escapeIdentifier(role)}
     NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS ${attributes}`,
  );
}

export interface NewDatabase {
  template?: string;
  owner?: string;
  /** Roles that can connect besides the owner. */
  logins?: readonly string[];
}

/** Creates a database to which only its owner and its logins can connect; by default the migrator and our roles. */
export async function createDatabase(
  client: pg.Client,
  database: string,
  { template = 'template1', owner = MIGRATOR, logins = LOGINS }: NewDatabase = {},
): Promise<void> {
  const name = pg.escapeIdentifier(database);
  await client.query(
    `CREATE DATABASE ${name} OWNER ${owner} TEMPLATE ${pg.escapeIdentifier(template)}`,
  );
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  if (logins.length > 0) {
    await client.query(`GRANT CONNECT ON DATABASE ${name} TO ${logins.join(', ')}`);
  }
}

/** The same, if the database doesn't exist. */
export async function ensureDatabase(
  client: pg.Client,
  database: string,
  options: NewDatabase = {},
): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
  if (rowCount === 0) await createDatabase(client, database, options);
}

/**
 * Creates the roles, their memberships and the database if they don't exist. `deploy/roles.sql` does the same in
 * production.
 */
export async function ensureRolesAndDatabase(
  superuserUrl: string,
  { database }: { database: string },
): Promise<DatabaseUrls> {
  await asSuperuser(superuserUrl, async (client) => {
    const login = (role: string) =>
      `LOGIN PASSWORD ${pg.escapeLiteral(passwordFor(superuserUrl, role))}`;
    for (const role of [MIGRATOR, ...LOGINS]) await ensureRole(client, role, login(role));
    await ensureRole(client, TENANT, 'NOLOGIN');
    // The migrations can't grant these, because a superuser created the roles.
    await client.query(`GRANT ${API}, ${WORKER} TO ${APP} WITH INHERIT TRUE, SET TRUE`);
    await client.query(`GRANT ${TENANT} TO ${API} WITH INHERIT FALSE, SET TRUE`);
    await ensureDatabase(client, database);
  });
  return databaseUrls(superuserUrl, database);
}
