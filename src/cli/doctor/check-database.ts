import { readConfig, type Config } from '../../config.ts';
import { connectWithin } from '../../connect-within.ts';
import { readMigrationState } from '../../db/migration-state.ts';
import type { Database } from '../../db/pool.ts';
import { readRole, type RoleFacts } from '../../db/role.ts';
import { databaseAddress, databaseServer } from '../../db/server.ts';
import type { Environment } from '../environment.ts';
import { adviceFor } from './advice.ts';
import { checkKeys } from './check-keys.ts';
import { checkMonths } from './check-months.ts';
import { attempt, checkThat, ok, problem, unknown, type Check } from './check.ts';

const PATIENCE_SECONDS = 2;

/** The configuration, the database and the months in it. */
export async function checkDatabase(env: Environment, now: Date): Promise<readonly Check[]> {
  const config = await attempt(() => readConfig(env));
  if (!config.ok) {
    return [
      problem('configuration', config.complaint, 'docs/operations.md lists the variables'),
      unknown('database', 'not looked at: the configuration is not complete'),
    ];
  }
  const configuration = ok('configuration', 'complete');
  const db = await attempt(() => connect(config.value));
  if (!db.ok) {
    const advice = adviceFor({ code: 'database_unreachable', month: null });
    return [configuration, problem('database', db.complaint, advice), ...notLookedAt()];
  }
  try {
    const address = databaseAddress(config.value.databaseUrl);
    return [
      configuration,
      ok('database', `PostgreSQL at ${address} answers`),
      ...(await checkThat('database role', async () => judgeRole(await readRole(db.value)))),
      ...(await checkContents(db.value, config.value, now)),
    ];
  } finally {
    await db.value.end();
  }
}

function connect({ databaseUrl: url }: Config): Promise<Database> {
  return connectWithin(
    databaseServer({ url, maxConnections: 1, applicationName: 'arcadia-doctor' }),
    { timeoutSeconds: PATIENCE_SECONDS },
  );
}

function notLookedAt(): readonly Check[] {
  return ['database role', 'migrations', 'months', 'keys'].map((name) =>
    unknown(name, 'not looked at: the database does not answer'),
  );
}

function judgeRole({ name, isSuperuser, isOwner, excessRights }: RoleFacts): readonly Check[] {
  const powers = [
    ...(isSuperuser ? ['is a superuser'] : []),
    ...(isOwner ? ['owns the tables'] : []),
    ...(excessRights.length > 0 ? [`may ${excessRights.join(', ')}`] : []),
  ];
  if (powers.length === 0) {
    return [ok('database role', `${name} can add to the books, and rewrite nothing`)];
  }
  return [
    problem(
      'database role',
      `${name} could rewrite the books: it ${powers.join('; ')}`,
      'connect as arcadia_app (deploy/roles.sql); the role that owns the tables belongs into DATABASE_MIGRATOR_URL',
    ),
  ];
}

/** The rest can only be read from a database that is up to date. */
async function checkContents(
  db: Database,
  { watchdog }: Config,
  now: Date,
): Promise<readonly Check[]> {
  const migrations = await checkThat('migrations', () => checkMigrations(db));
  if (migrations.some(({ state }) => state !== 'ok')) {
    const reason = 'not looked at: the database is not up to date';
    return [...migrations, unknown('months', reason), unknown('keys', reason)];
  }
  return [
    ...migrations,
    ...(await checkThat('months', () => checkMonths(db, now, watchdog))),
    ...(await checkThat('keys', () => checkKeys(db, now))),
  ];
}

async function checkMigrations(db: Database): Promise<readonly Check[]> {
  const { applied, missing, unknown: later } = await readMigrationState(db);
  if (missing.length > 0) {
    const detail = `the database lacks ${missing.join(', ')}`;
    return [problem('migrations', detail, 'npm run cli -- migrate')];
  }
  const note = later.length > 0 ? `; of a later version: ${later.join(', ')}` : '';
  return [ok('migrations', `all ${applied} applied${note}`)];
}
