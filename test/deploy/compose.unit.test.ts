import { Ajv, type SchemaObject } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  HISTORY_SHARDS,
  NAMESPACE_RETENTION_DAYS,
  TEMPORAL_DATABASES,
  TEMPORAL_POOL_SIZES,
  TEMPORAL_ROLE,
  TEMPORAL_SERVER_ENV,
  TEMPORAL_SERVER_VERSION,
} from '../../dev/temporal-cluster-settings.ts';
import { readConfig } from '../../src/config.ts';
import { resolveOptions } from '../../src/workflows/options.ts';
import { isInProject, readProjectFile } from '../scripts/_project-files.ts';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
}
type Services = Readonly<Record<string, Service>>;

/** PostgreSQL's default for `superuser_reserved_connections`. */
const RESERVED_FOR_SUPERUSER = 3;
/** Frontend, history, matching and worker: each opens its own pools. */
const SERVICES_OF_TEMPORAL = 4;
/** `migrate`, `schedule`, backups, and operators. */
const LEFT_FOR_COMMANDS = 20;

const TEXT = readProjectFile('docker-compose.yml');
const AS_WRITTEN = parse(TEXT, { merge: true }) as { readonly services: Services };
/** With the defaults of all variables. */
const COMPOSE = parse(TEXT, withDefaults, { merge: true }) as { readonly services: Services };

function withDefaults(_key: unknown, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1') : value;
}

function service(name: string): Service {
  const found = COMPOSE.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}

const environmentOf = (name: string) => service(name).environment ?? {};

test('is a compose file by the Compose Specification', () => {
  // From https://github.com/compose-spec/compose-spec (a08f8d5), unchanged.
  const schema = JSON.parse(
    readProjectFile('test/deploy/compose-spec/compose-spec.json'),
  ) as SchemaObject;
  // Its formats (`duration`, `ports`) are Compose's own, and Ajv doesn't know the https URL of draft 7.
  const options = { strict: false, validateFormats: false, validateSchema: false, allErrors: true };
  const validate = new Ajv(options).compile(schema);
  validate(COMPOSE);
  expect(validate.errors).toBeNull();
  validate({ services: { api: { image: 'a', depends_on: { b: { condition: 'started' } } } } });
  expect(validate.errors).not.toBeNull();
});

test("runs Temporal's server, tools and settings that the tests' cluster runs", () => {
  expect(service('temporal').image).toBe(`temporalio/server:${TEMPORAL_SERVER_VERSION}`);
  for (const job of ['temporal-schema', 'temporal-namespace']) {
    expect(service(job).image).toMatch(`temporalio/admin-tools:${TEMPORAL_SERVER_VERSION}-`);
  }
  expect(environmentOf('temporal')).toMatchObject({
    ...TEMPORAL_SERVER_ENV,
    NUM_HISTORY_SHARDS: String(HISTORY_SHARDS),
  });
  expect(environmentOf('temporal-namespace').NAMESPACE_RETENTION).toBe(
    `${NAMESPACE_RETENTION_DAYS * 24}h`,
  );
});

test('the namespace keeps the runs of a month for longer than the month is open for corrections', () => {
  expect(NAMESPACE_RETENTION_DAYS).toBeGreaterThan(resolveOptions({}).openForDays);
});

test('Temporal gets both databases from PostgreSQL by a role that owns nothing else', () => {
  const { DB_PORT, VISIBILITY_DB_PORT, POSTGRES_SEEDS, POSTGRES_PWD } = environmentOf('temporal');
  expect(VISIBILITY_DB_PORT).toBe(DB_PORT);
  expect(environmentOf('temporal-schema')).toEqual({
    SQL_HOST: POSTGRES_SEEDS,
    SQL_PORT: DB_PORT,
    SQL_USER: TEMPORAL_ROLE,
    SQL_PASSWORD: POSTGRES_PWD,
  });
  const sql = readProjectFile('deploy/temporal-role.sql');
  const [, databases = ''] = /CREATE DATABASE %I OWNER temporal.*?ARRAY\[(.*?)\]/s.exec(sql) ?? [];
  expect(databases).toBe(
    Object.values(TEMPORAL_DATABASES)
      .map((name) => `'${name}'`)
      .join(', '),
  );
  expect(sql).toContain(`ALTER ROLE ${TEMPORAL_ROLE} LOGIN PASSWORD`);
  const schema = readProjectFile('deploy/temporal-schema.sh');
  for (const name of Object.values(TEMPORAL_DATABASES)) expect(schema).toContain(`update ${name} `);
});

test("only PostgreSQL's first start uses its superuser", () => {
  const SUPERUSER = /POSTGRES_PASSWORD|USER":"postgres"|\/\/postgres:/;
  const users = Object.entries(AS_WRITTEN.services)
    .filter(([, settings]) => SUPERUSER.test(JSON.stringify(settings)))
    .map(([name]) => name);
  expect(users).toEqual(['postgres']);
});

test('PostgreSQL starts with every password and file that its init script uses', () => {
  const script = readProjectFile('deploy/postgres-init.sh');
  const passwords = [...script.matchAll(/"\$(\w+_PASSWORD)"/g)].map(([, name = '']) => name);
  expect(passwords).toContain('TEMPORAL_DATABASE_PASSWORD');
  expect(Object.keys(environmentOf('postgres'))).toEqual(expect.arrayContaining(passwords));
  const files = [...script.matchAll(/--file \/(deploy\/\S+)/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(1);
  expect(service('postgres').volumes).toEqual(
    expect.arrayContaining(files.map((file) => `./${file}:/${file}:ro`)),
  );
});

test('every file that a service mounts exists', () => {
  const mounted = Object.values(COMPOSE.services)
    .flatMap(({ volumes = [] }) => volumes)
    .flatMap((volume) => (volume.startsWith('./') ? (volume.slice(2).split(':')[0] ?? '') : []));
  expect(mounted.length).toBeGreaterThan(3);
  expect(mounted.filter((path) => !isInProject(path))).toEqual([]);
});

test('services wait for the health or the end of what they depend on', () => {
  const waits = Object.entries(COMPOSE.services).flatMap(([name, { depends_on = {} }]) =>
    Object.entries(depends_on).map(([on, { condition }]) => ({ name, on, condition })),
  );
  expect(waits.length).toBeGreaterThan(8);
  for (const { name, on, condition } of waits) {
    const { healthcheck, restart = 'no' } = service(on);
    const says = `${name} waits for ${on}`;
    if (condition === 'service_healthy') expect(healthcheck, says).toBeDefined();
    else {
      expect(condition, says).toBe('service_completed_successfully');
      expect(restart, `${says} to end`).toBe('no');
    }
  }
});

test('API, worker and Schedule start after the migrations and on an existing namespace', () => {
  for (const name of ['api', 'worker', 'schedule']) {
    expect(Object.keys(service(name).depends_on ?? {})).toEqual(['migrate', 'temporal-namespace']);
    expect(environmentOf(name).TEMPORAL_NAMESPACE).toBe(
      environmentOf('temporal-namespace').TEMPORAL_NAMESPACE,
    );
  }
});

test('all connections together fit into max_connections, with some left for commands', () => {
  const [, max] = /max_connections=(\d+)/.exec((service('postgres').command ?? []).join(' ')) ?? [];
  const available = Number(max) - RESERVED_FOR_SUPERUSER;
  const temporal =
    SERVICES_OF_TEMPORAL * (TEMPORAL_POOL_SIZES.default + TEMPORAL_POOL_SIZES.visibility);
  const api = readConfig(environmentOf('api')).api.maxConnections;
  const worker = readConfig(environmentOf('worker')).worker.maxConnections;
  expect(available - temporal - api - worker).toBeGreaterThanOrEqual(LEFT_FOR_COMMANDS + worker);
});
