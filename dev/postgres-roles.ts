import { createHmac } from 'node:crypto';
import pg from 'pg';

const MIGRATOR = 'arcadia_migrator';
const APP = 'arcadia_app';
const API = 'arcadia_api';
const WORKER = 'arcadia_worker';
const READONLY = 'arcadia_readonly';
/** Nobody logs in as this one: the API becomes it for a tenant's call. */
const TENANT = 'arcadia_tenant';
const LOGINS = [APP, API, WORKER, READONLY];
/** Any number, as long as it is the same for everyone who creates roles. */
const LOCK_KEY = 4_217_002;

export interface DatabaseUrls {
  /** Owns the database and everything in it; for migrations only. */
  migratorUrl: string;
  /** What the API works with; the migrations grant each role its rights. */
  apiUrl: string;
  workerUrl: string;
  /** For the CLI: what the API and the worker may do. */
  appUrl: string;
  /** For support and reports. */
  readonlyUrl: string;
}

/** A role's password, derived from the superuser's: one secret on disk is enough. */
function passwordFor(superuserUrl: string, role: string): string {
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

/** The URLs of a database, which needn't exist yet. */
export function databaseUrls(superuserUrl: string, database: string): DatabaseUrls {
  return {
    migratorUrl: urlFor(superuserUrl, MIGRATOR, database),
    apiUrl: urlFor(superuserUrl, API, database),
    workerUrl: urlFor(superuserUrl, WORKER, database),
    appUrl: urlFor(superuserUrl, APP, database),
    readonlyUrl: urlFor(superuserUrl, READONLY, database),
  };
}

/** Runs `work` alone among all that use this cluster, on the superuser's connection. */
export async function asSuperuser<T>(
  superuserUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    // Held until the connection ends: roles, and a template in use, don't bear being raced for.
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    return await work(client);
  } finally {
    await client.end();
  }
}

async function ensureRole(client: pg.Client, role: string, attributes: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  await client.query(
    `${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${pg.escapeIdentifier(role)}
     NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS ${attributes}`,
  );
}

/** Creates a database of the migrator's that only our roles may enter. */
export async function createDatabase(
  client: pg.Client,
  database: string,
  { template = 'template1' }: { template?: string } = {},
): Promise<void> {
  const name = pg.escapeIdentifier(database);
  await client.query(
    `CREATE DATABASE ${name} OWNER ${MIGRATOR} TEMPLATE ${pg.escapeIdentifier(template)}`,
  );
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  await client.query(`GRANT CONNECT ON DATABASE ${name} TO ${LOGINS.join(', ')}`);
}

/**
 * Makes sure that the roles, their memberships and the database exist, the way the engine expects
 * them; `deploy/roles.sql` does the same elsewhere. Changes nothing where they do.
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
    // A superuser made the roles: the migrations may not grant these.
    await client.query(`GRANT ${API}, ${WORKER} TO ${APP} WITH INHERIT TRUE, SET TRUE`);
    await client.query(`GRANT ${TENANT} TO ${API} WITH INHERIT FALSE, SET TRUE`);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [
      database,
    ]);
    if (rowCount === 0) await createDatabase(client, database);
  });
  return databaseUrls(superuserUrl, database);
}
