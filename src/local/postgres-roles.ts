import { createHmac } from 'node:crypto';
import pg from 'pg';

const MIGRATOR = 'arcadia_migrator';
const APP = 'arcadia_app';
/** Any number, as long as it is the same for everyone who creates roles. */
const LOCK_KEY = 4_217_002;

export interface DatabaseUrls {
  /** Owns the database and everything in it; for migrations only. */
  migratorUrl: string;
  /** What the engine works with; has the rights that the migrations grant it. */
  appUrl: string;
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

/** The two URLs of a database, which needn't exist yet. */
export function databaseUrls(superuserUrl: string, database: string): DatabaseUrls {
  return {
    migratorUrl: urlFor(superuserUrl, MIGRATOR, database),
    appUrl: urlFor(superuserUrl, APP, database),
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

async function ensureRole(
  client: pg.Client,
  role: string,
  attributes: string,
  password: string,
): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  await client.query(
    `${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${pg.escapeIdentifier(role)}
     LOGIN NOSUPERUSER NOCREATEDB ${attributes} PASSWORD ${pg.escapeLiteral(password)}`,
  );
}

/** Creates a database of the migrator's that only the two roles may enter. */
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
  await client.query(`GRANT CONNECT ON DATABASE ${name} TO ${APP}`);
}

/**
 * Makes sure that the migrator's and the app's role and the database exist, the way the engine
 * expects them. Changes nothing where they do.
 */
export async function ensureRolesAndDatabase(
  superuserUrl: string,
  { database }: { database: string },
): Promise<DatabaseUrls> {
  await asSuperuser(superuserUrl, async (client) => {
    await ensureRole(client, MIGRATOR, 'CREATEROLE', passwordFor(superuserUrl, MIGRATOR));
    await ensureRole(client, APP, 'NOCREATEROLE', passwordFor(superuserUrl, APP));
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [
      database,
    ]);
    if (rowCount === 0) await createDatabase(client, database);
  });
  return databaseUrls(superuserUrl, database);
}
