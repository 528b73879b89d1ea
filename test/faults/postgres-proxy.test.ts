import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { startPostgresProxy, type PostgresProxy } from './postgres-proxy.ts';

let testDatabase: TestDatabase;
let proxy: PostgresProxy;
/** Doesn't go through the proxy. */
let direct: pg.Client;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  proxy = await startPostgresProxy(Number(new URL(inject('superuserUrl')).port));
  direct = new pg.Client({ connectionString: testDatabase.superuserUrl });
  await direct.connect();
  await direct.query('CREATE TABLE noted (n integer)');
});
beforeEach(() => direct.query('TRUNCATE noted'));
afterAll(async () => {
  await direct.end();
  await proxy.close();
  await testDatabase.drop();
});

async function connect(): Promise<pg.Client> {
  const url = new URL(testDatabase.superuserUrl);
  url.port = String(proxy.port);
  const client = new pg.Client({ connectionString: url.href });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function note(client: pg.Client, n: number): Promise<void> {
  await client.query('BEGIN');
  await client.query('INSERT INTO noted VALUES ($1)', [n]);
  await client.query('COMMIT');
}

async function noted(): Promise<readonly number[]> {
  const { rows } = await direct.query<{ n: number }>('SELECT n FROM noted ORDER BY n');
  return rows.map(({ n }) => n);
}

test('what passes arrives as it was, however large', async () => {
  const client = await connect();
  const text = 'x'.repeat(3_000_000);
  const { rows } = await client.query<{ text: string }>('SELECT $1::text AS text', [text]);
  expect(rows[0]?.text).toBe(text);
  await client.end();
});

test('before COMMIT: the server knows nothing of it, and a cut rolls back', async () => {
  const client = await connect();
  await note(client, 1);
  const trap = proxy.holdAt('before COMMIT', 2);
  await note(client, 2);
  const third = note(client, 3);
  (await trap.caught).cut();
  await expect(third).rejects.toThrow('Connection terminated');
  expect(await noted()).toEqual([1, 2]);
});

test('after COMMIT: it is committed, and the client does not know', async () => {
  const client = await connect();
  const trap = proxy.holdAt('after COMMIT', 1);
  const first = note(client, 1);
  const held = await trap.caught;
  expect(await noted()).toEqual([1]);
  held.cut();
  await expect(first).rejects.toThrow('Connection terminated');
});

test('before BEGIN, over all connections; what is released continues as if nothing had happened', async () => {
  const [one, other] = [await connect(), await connect()];
  const trap = proxy.holdAt('before BEGIN', 2);
  await note(one, 1);
  const second = note(other, 2);
  const held = await trap.caught;
  expect(await noted()).toEqual([1]);
  held.release();
  await second;
  expect(await noted()).toEqual([1, 2]);
  await Promise.all([one.end(), other.end()]);
});

test('a connection that stands still keeps its transaction, whatever becomes of the client', async () => {
  const client = await connect();
  const trap = proxy.holdAt('before COMMIT', 1);
  const lost = note(client, 1).catch(() => undefined);
  const held = await trap.caught;
  const { rows } = await direct.query<{ n: string }>(
    `SELECT count(*) AS n FROM pg_locks WHERE relation = 'noted'::regclass AND pid <> pg_backend_pid()`,
  );
  expect(rows[0]?.n).toBe('1');
  await client.end().catch(() => undefined);
  held.cut();
  await lost;
  expect(await noted()).toEqual([]);
});

test('a trap that nobody came to can be taken away', async () => {
  const trap = proxy.holdAt('after COMMIT', 5);
  trap.cancel();
  await expect(trap.caught).rejects.toThrow('nobody came to "after COMMIT"');
});

test('connections that the server refuses are counted', async () => {
  const url = new URL(testDatabase.superuserUrl);
  const database = url.pathname.slice(1);
  const role = `${database}_refused`;
  await direct.query(`CREATE ROLE ${role} LOGIN PASSWORD 'refused' CONNECTION LIMIT 0`);
  await direct.query(`GRANT CONNECT ON DATABASE ${database} TO ${role}`);
  url.username = role;
  url.password = 'refused';
  url.port = String(proxy.port);
  const client = new pg.Client({ connectionString: url.href });
  await expect(client.connect()).rejects.toThrow('too many connections');
  expect(proxy.refusals).toBe(1);
  await direct.query(`DROP OWNED BY ${role}`);
  await direct.query(`DROP ROLE ${role}`);
});
