import { readConfig, type Config } from '../../config.ts';
import { connectWithin } from '../../lib/connect-within.ts';
import { readMigrationState } from '../../db/migration-state.ts';
import { type Database, databaseAddress, databaseServer } from '../../db/pool.ts';
import { readRole, type RoleFacts } from '../../db/access/role.ts';
import type { Environment } from '../environment.ts';
import { adviceFor, attempt, checkThat, ok, problem, unknown, type Check } from './doctor-check.ts';
import { checkKeys, checkProxies } from './check-access.ts';
import { checkExchangeRates, EXCHANGE_RATES } from './check-exchange-rates.ts';
import { checkControlTotals, CONTROL_TOTALS } from './check-control-totals.ts';
import { checkItems, INVOICE_ITEMS } from './check-items.ts';
import { checkMonths, checkUnbilled } from './check-months.ts';
import { checkQuarantine, QUARANTINE } from './check-quarantine.ts';

const PATIENCE_SECONDS = 2;

/** Checks the configuration, the database and its months, keys and proxies. */
export async function checkDatabase(env: Environment, now: Date): Promise<readonly Check[]> {
  const config = await attempt(() => readConfig(env));
  if (!config.ok) {
    return [
      problem(
        'configuration',
        config.complaint,
        'docs/operations/install-and-configure.md lists the variables',
      ),
      unknown('database', 'not checked: the configuration is incomplete'),
    ];
  }
  const configuration = ok('configuration', 'complete');
  const db = await attempt(() => connect(config.value));
  if (!db.ok) {
    const advice = db.hint ?? adviceFor({ code: 'database_unreachable', month: null });
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

/** Checks of the database's contents, which need an up-to-date schema. */
const OF_CONTENTS = [
  'months',
  'unbilled usage',
  QUARANTINE,
  CONTROL_TOTALS,
  INVOICE_ITEMS,
  'keys',
  'proxies',
];

function notLookedAt(): readonly Check[] {
  return ['database role', 'migrations', ...OF_CONTENTS].map((name) =>
    unknown(name, 'not checked: the database does not answer'),
  );
}

const ROLE = 'database role';
/** Maximum number of rights that are listed. */
const SHOWN_RIGHTS = 10;

function judgeRole(role: RoleFacts): readonly Check[] {
  const { name, isSuperuser, isOwner, bypassesRowSecurity, roles, excessRights } = role;
  const powers = [
    ...(isSuperuser ? ['is a superuser'] : []),
    ...(isOwner ? ['owns the tables'] : []),
    ...(bypassesRowSecurity ? ['bypasses row level security'] : []),
  ];
  if (powers.length > 0) {
    const advice =
      'connect as arcadia_app, arcadia_api or arcadia_worker (deploy/roles.sql); the owner of the tables belongs in DATABASE_MIGRATOR_URL';
    return [problem(ROLE, `${name} could change issued invoices: it ${powers.join('; ')}`, advice)];
  }
  if (excessRights.length > 0) {
    const more = excessRights.length - SHOWN_RIGHTS;
    const list = excessRights.slice(0, SHOWN_RIGHTS).join(', ') + (more > 0 ? `, +${more}` : '');
    const advice = `REVOKE what docs/operations/install-and-configure.md ("Roles") doesn't list`;
    return [problem(ROLE, `${name} has rights it doesn't need: ${list}`, advice)];
  }
  if (roles.includes('arcadia_api') && !role.canBecomeTenant) {
    const advice =
      'GRANT arcadia_tenant TO arcadia_api WITH INHERIT FALSE, SET TRUE (deploy/roles.sql)';
    return [
      problem(ROLE, `${name} can't become arcadia_tenant, which tenants' calls need`, advice),
    ];
  }
  if (roles.length === 0) {
    return [
      problem(
        ROLE,
        `${name} isn't a member of any of our roles`,
        'create them with deploy/roles.sql',
      ),
    ];
  }
  const others = roles.filter((known) => known !== name);
  const shown = others.length === 0 ? roles : others;
  const keys = roles.includes('arcadia_app') ? ', may manage keys' : '';
  return [ok(ROLE, `${name} has the rights of ${shown.join(' and ')}${keys}, and no others`)];
}

/** Checks the migrations and, if they are all applied, the contents. */
async function checkContents(
  db: Database,
  { watchdog, worker, controlTotals }: Config,
  now: Date,
): Promise<readonly Check[]> {
  const migrations = await checkThat('migrations', () => checkMigrations(db));
  if (migrations.some(({ state }) => state !== 'ok')) {
    const reason = 'not checked: the database is not up to date';
    return [...migrations, ...OF_CONTENTS.map((name) => unknown(name, reason))];
  }
  return [
    ...migrations,
    ...(await checkThat('months', () => checkMonths(db, now, watchdog))),
    ...(await checkThat('unbilled usage', () => checkUnbilled(db, now, worker.bounds))),
    ...(await checkThat(QUARANTINE, () => checkQuarantine(db))),
    ...(await checkThat(CONTROL_TOTALS, () => checkControlTotals(db, now, controlTotals))),
    ...(await checkThat(INVOICE_ITEMS, () => checkItems(db, now))),
    ...(await checkThat(EXCHANGE_RATES, () => checkExchangeRates(db, now))),
    ...(await checkThat('keys', () => checkKeys(db, now))),
    ...(await checkThat('proxies', () => checkProxies(db, now))),
  ];
}

async function checkMigrations(db: Database): Promise<readonly Check[]> {
  const { applied, missing, unknown: later } = await readMigrationState(db);
  if (missing.length > 0) {
    const detail = `not applied yet: ${missing.join(', ')}`;
    return [problem('migrations', detail, 'npm run cli -- migrate')];
  }
  const note = later.length > 0 ? `; from a later version: ${later.join(', ')}` : '';
  return [ok('migrations', `all ${applied} applied${note}`)];
}
