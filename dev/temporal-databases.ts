import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { asSuperuser, ensureDatabase, ensureRole, passwordFor } from './postgres-roles.ts';
import { TEMPORAL_DATABASES, TEMPORAL_ROLE } from './temporal-cluster-settings.ts';

/** Where the Temporal server finds its databases. */
export interface TemporalDatabases {
  readonly port: number;
  /** The role's password. */
  readonly password: string;
}

const SCHEMA_SCRIPT = fileURLToPath(new URL('../deploy/temporal-schema.sh', import.meta.url));

/**
 * Creates the Temporal server's role and databases if they don't exist, as `deploy/temporal-role.sql` does in production,
 * and brings their schema up to date with production's script.
 * @param toolFolder has `temporal-sql-tool`
 */
export async function ensureTemporalDatabases(
  superuserUrl: string,
  toolFolder: string,
): Promise<TemporalDatabases> {
  const password = passwordFor(superuserUrl, TEMPORAL_ROLE);
  const { hostname, port } = new URL(superuserUrl);
  await asSuperuser(superuserUrl, async (client) => {
    await ensureRole(client, TEMPORAL_ROLE, `LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
    for (const name of Object.values(TEMPORAL_DATABASES)) {
      await ensureDatabase(client, name, { owner: TEMPORAL_ROLE, logins: [] });
    }
  });
  await updateSchema({
    PATH: `${toolFolder}${delimiter}${process.env.PATH ?? ''}`,
    SQL_HOST: hostname,
    SQL_PORT: port,
    SQL_USER: TEMPORAL_ROLE,
    SQL_PASSWORD: password,
  });
  return { port: Number(port), password };
}

async function updateSchema(env: Readonly<Record<string, string>>): Promise<void> {
  try {
    await promisify(execFile)('sh', [SCHEMA_SCRIPT], { env });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    const output = `${stdout ?? ''}${stderr ?? ''}`.trim() || String(error);
    throw new Error(`deploy/temporal-schema.sh failed:\n${output.slice(-2000)}`, { cause: error });
  }
}
