import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asSuperuser } from '../../dev/postgres-roles.ts';
import { startPostgres, type LocalPostgres } from '../../dev/postgres.ts';
import { explain } from '../../src/cli/explain-error.ts';
import { examine } from '../../src/cli/commands/doctor-command.ts';
import { databaseServer } from '../../src/db/pool.ts';
import { connectWithin } from '../../src/lib/connect-within.ts';
import { createAuthority, type Certified, type TestAuthority } from '../_util/certificates.ts';
import { until } from '../_util/until.ts';

/** A PostgreSQL of this file's own: its certificate and its rules for clients change with each test. */
let server: LocalPostgres;
let ours: TestAuthority;
let other: TestAuthority;
const folder = mkdtempSync(join(tmpdir(), 'arcadia-tls-'));
let CA: string;

beforeAll(async () => {
  [server, ours, other] = await Promise.all([
    startPostgres({ stateDir: folder, durable: false }),
    createAuthority('ours'),
    createAuthority('other'),
  ]);
  CA = file('ca.pem', ours.cert);
  await asSuperuser(server.superuserUrl, async (client) => {
    await client.query(`CREATE ROLE app LOGIN PASSWORD 'secret'`);
  });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

function file(name: string, contents: string): string {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
}

let configurations = 0;

/** Gives the server a certificate and a rule for the role `app`. Without a certificate, it has no TLS. */
async function configure(certified: Certified | null, rule: string): Promise<void> {
  await asSuperuser(server.superuserUrl, async (client) => {
    const show = async (setting: string) => {
      const { rows } = await client.query<Record<string, string>>(`SHOW ${setting}`);
      return Object.values(rows[0] ?? {})[0] ?? '';
    };
    // The server writes the files, because it may run as another user. It refuses a key that others can read.
    const put = async (path: string, text: string) => {
      const lines = text.trimEnd().replaceAll("'", "''");
      await client.query(
        `COPY (SELECT unnest(string_to_array('${lines}', E'\\n')))
         TO PROGRAM 'umask 077; cat > "${path}.new" && mv "${path}.new" "${path}"'`,
      );
    };
    const data = await show('data_directory');
    if (certified) {
      await put(join(data, 'server.crt'), certified.cert);
      await put(join(data, 'server.key'), certified.key);
      await put(join(data, 'root.crt'), ours.cert);
    }
    configurations += 1;
    await put(
      join(data, 'pg_hba.conf'),
      [
        `# ${configurations}`,
        `${rule} # for app`,
        'host all postgres all scram-sha-256',
        `host all "generation_${configurations}" all trust`,
      ].join('\n'),
    );
    await client.query(`ALTER SYSTEM SET ssl_ca_file = 'root.crt'`);
    await client.query(`ALTER SYSTEM SET ssl = ${certified ? 'on' : 'off'}`);
    // New connections use what was loaded last.
    await client.query(`CREATE ROLE generation_${configurations} LOGIN`);
    await client.query('SELECT pg_reload_conf()');
  });
  const url = `postgres://generation_${configurations}@127.0.0.1:${server.port}/postgres`;
  await until(
    () =>
      connect(url).then(
        () => true,
        () => false,
      ),
    (isLoaded) => isLoaded,
  );
}

const url = (query = '', host = 'localhost') =>
  `postgres://app:secret@${host}:${server.port}/postgres${query}`;
const verified = (more = '') => `?sslmode=verify-full&sslrootcert=${CA}${more}`;

async function connect(databaseUrl: string, variable?: string): Promise<void> {
  const options = { url: databaseUrl, maxConnections: 1, applicationName: 'test' };
  const db = await connectWithin(databaseServer(options, variable), { timeoutSeconds: 0.1 });
  await db.end();
}

async function complaintAbout(databaseUrl: string, variable?: string) {
  const error: unknown = await connect(databaseUrl, variable).catch((reason: unknown) => reason);
  const { error: kind, reason, hint } = explain(error);
  return { kind, reason: reason.replaceAll(`:${server.port}`, ''), hint };
}

const complaint = (reason: string, hint: string) => ({
  kind: 'unreachable',
  reason: expect.stringContaining(`PostgreSQL at localhost/postgres ${reason}`),
  hint: expect.stringContaining(hint),
});

const PASSWORD = 'hostssl all app all scram-sha-256';
const local = { dns: ['localhost'] };

function clientParameters(name: string, { cert, key }: Certified): string {
  return `&sslcert=${file(`${name}.crt`, cert)}&sslkey=${file(`${name}.key`, key)}`;
}

test('connects with the right authority and name, also by an IP address of the certificate', async () => {
  await configure(await ours.issue({ ...local, ips: ['127.0.0.1'] }), PASSWORD);
  await connect(url(verified()));
  await connect(url(verified(), '127.0.0.1'));
});

test('connects with a client certificate', async () => {
  await configure(await ours.issue(local), 'hostssl all app all cert');
  const pair = clientParameters('right', await ours.issue({ commonName: 'app' }));
  await connect(url(verified(pair)));
});

describe('a mistake in TLS to PostgreSQL is named with the parameter to check:', () => {
  test('another authority', async () => {
    await configure(await ours.issue(local), PASSWORD);
    const otherCa = file('other-ca.pem', other.cert);
    const expected = complaint(
      'has a certificate that no trusted authority has signed (SELF_SIGNED_CERT_IN_CHAIN)',
      'check sslrootcert in DATABASE_URL',
    );
    expect(await complaintAbout(url(`?sslrootcert=${otherCa}`))).toEqual(expected);
    expect(await complaintAbout(url('?sslmode=require'))).toEqual(expected);
  });

  test('a name that the certificate lacks', async () => {
    await configure(await ours.issue({ dns: ['db.example'] }), PASSWORD);
    expect(await complaintAbout(url(verified()))).toEqual(
      complaint(
        'has a certificate for other names (DNS:db.example; not localhost)',
        'use one of its subject alternative names in DATABASE_URL',
      ),
    );
  });

  test('an IP address that the certificate lacks, except with verify-ca', async () => {
    await configure(await ours.issue(local), PASSWORD);
    expect((await complaintAbout(url(verified(), '127.0.0.1'))).reason).toContain(
      'has a certificate for other names (DNS:localhost; not 127.0.0.1)',
    );
    await connect(url(`?sslmode=verify-ca&sslrootcert=${CA}`, '127.0.0.1'));
  });

  test('an expired certificate', async () => {
    await configure(await ours.issue({ ...local, validFrom: -3, validTo: -1 }), PASSWORD);
    expect(await complaintAbout(url(verified()))).toEqual(
      complaint(
        'has a certificate that has expired (CERT_HAS_EXPIRED)',
        'or the authority in sslrootcert in DATABASE_URL if that has expired',
      ),
    );
  });

  test('a certificate from the future, for which it waits', async () => {
    await configure(await ours.issue({ ...local, validFrom: 1, validTo: 3 }), PASSWORD);
    expect(await complaintAbout(url(verified()))).toEqual(
      complaint(
        "has a certificate that isn't valid yet (CERT_NOT_YET_VALID); gave up after 0.1 s",
        "check this machine's clock",
      ),
    );
  });

  test('no client certificate', async () => {
    await configure(await ours.issue(local), `${PASSWORD} clientcert=verify-ca`);
    expect(await complaintAbout(url(verified()))).toEqual(
      complaint('requires a client certificate (', 'set sslcert and sslkey in DATABASE_URL'),
    );
  });

  test.each([
    ['of another authority', 'alert unknown ca', () => other.issue({ commonName: 'app' })],
    [
      'that has expired',
      'alert certificate expired',
      () => ours.issue({ commonName: 'app', validFrom: -3, validTo: -1 }),
    ],
    [
      'of another role',
      'certificate authentication failed for user "app"',
      () => ours.issue({ commonName: 'api' }),
    ],
  ])('a client certificate %s', async (name, detail, issue) => {
    await configure(await ours.issue(local), 'hostssl all app all cert');
    const pair = clientParameters(name.replaceAll(' ', '-'), await issue());
    expect(await complaintAbout(url(verified(pair)))).toEqual(
      complaint(
        `rejected our client certificate (${detail})`,
        'check sslcert and sslkey in DATABASE_URL',
      ),
    );
  });

  test('a server without TLS', async () => {
    await configure(null, 'host all app all scram-sha-256');
    expect(await complaintAbout(url(verified()))).toEqual(
      complaint("doesn't offer TLS (", 'set sslmode=disable in DATABASE_URL'),
    );
  });

  test('a server that accepts only TLS, also for migrations and in doctor', async () => {
    await configure(await ours.issue(local), PASSWORD);
    const reason = 'accepts only TLS connections (no pg_hba.conf entry for host';
    expect(await complaintAbout(url())).toEqual(
      complaint(reason, 'set sslmode=verify-full in DATABASE_URL'),
    );
    expect((await complaintAbout(url(), 'DATABASE_MIGRATOR_URL')).hint).toBe(
      'set sslmode=verify-full in DATABASE_MIGRATOR_URL',
    );
    const { checks } = await examine({ DATABASE_URL: url(), TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(checks.find(({ name }) => name === 'database')).toMatchObject({
      state: 'problem',
      detail: expect.stringContaining(reason),
      advice: 'set sslmode=verify-full in DATABASE_URL',
    });
  });

  test('a file that cannot be read', async () => {
    expect(await complaintAbout(url('?sslrootcert=/nowhere/ca.pem'))).toMatchObject({
      kind: 'invalid-configuration',
      reason:
        "sslrootcert of the database URL can't be read: ENOENT: no such file or directory, open '/nowhere/ca.pem'",
    });
  });
});
