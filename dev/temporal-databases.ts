import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { asSuperuser, ensureRole, passwordFor } from './postgres-roles.ts';
import { TEMPORAL_DATABASES, TEMPORAL_ROLE } from './temporal-cluster-settings.ts';

/** Where the Temporal server finds its databases. */
export interface TemporalDatabases {
  readonly port: number;
  /** The role's password. */
  readonly password: string;
}

/** The schema inside `temporal-sql-tool`, by database. */
const SCHEMAS = {
  [TEMPORAL_DATABASES.default]: 'postgresql/v12/temporal',
  [TEMPORAL_DATABASES.visibility]: 'postgresql/v12/visibility',
};

/**
 * Creates the Temporal server's role and databases, or finds them, and brings their schema up to date. The role owns its
 * databases, and nobody else can connect to them.
 * @param sqlTool path of `temporal-sql-tool`
 */
export async function ensureTemporalDatabases(
  superuserUrl: string,
  sqlTool: string,
): Promise<TemporalDatabases> {
  const password = passwordFor(superuserUrl, TEMPORAL_ROLE);
  const port = Number(new URL(superuserUrl).port);
  await asSuperuser(superuserUrl, async (client) => {
    await ensureRole(client, TEMPORAL_ROLE, `LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
    for (const database of Object.keys(SCHEMAS)) await ensureDatabase(client, database);
  });
  for (const [database, schema] of Object.entries(SCHEMAS)) {
    const url = new URL(superuserUrl);
    url.username = TEMPORAL_ROLE;
    url.password = password;
    url.pathname = `/${database}`;
    const run = (...args: string[]) => runSqlTool(sqlTool, url, args);
    if (!(await hasVersions(url.href))) await run('setup-schema', '--version', '0.0');
    await run('update-schema', '--schema-name', schema);
  }
  return { port, password };
}

async function ensureDatabase(client: pg.Client, database: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
  if (rowCount !== 0) return;
  await client.query(`CREATE DATABASE ${database} OWNER ${TEMPORAL_ROLE}`);
  await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
}

/** Whether the database has the tables that record the schema's version. */
async function hasVersions(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ found: boolean }>(
      `SELECT to_regclass('schema_version') IS NOT NULL AS found`,
    );
    return rows[0]?.found ?? false;
  } finally {
    await client.end();
  }
}

async function runSqlTool(tool: string, url: URL, args: readonly string[]): Promise<void> {
  const env = {
    ...process.env,
    SQL_PLUGIN: 'postgres12',
    SQL_HOST: url.hostname,
    SQL_PORT: url.port,
    SQL_USER: url.username,
    SQL_PASSWORD: decodeURIComponent(url.password),
    SQL_DATABASE: url.pathname.slice(1),
  };
  try {
    await promisify(execFile)(tool, args, { env });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    const output = `${stdout ?? ''}${stderr ?? ''}`.trim() || String(error);
    throw new Error(`temporal-sql-tool ${args.join(' ')} failed:\n${output.slice(-2000)}`, {
      cause: error,
    });
  }
}
