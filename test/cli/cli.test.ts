import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { claimNamespace } from '../_util/temporal.ts';
import { runCli } from './_run-cli.ts';

let testDatabase: TestDatabase;
let env: Record<string, string>;
let folder: string;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const { address, namespace } = await claimNamespace();
  env = {
    DATABASE_URL: testDatabase.appUrl,
    DATABASE_MIGRATOR_URL: testDatabase.migratorUrl,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
  };
  folder = mkdtempSync(join(tmpdir(), 'arcadia-cli-'));
});
afterAll(async () => {
  await testDatabase.drop();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** No command shows a stack trace unless it was asked to. */
function expectOneError(stderr: string, message: RegExp | string): void {
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at /m);
}

describe('misuse exits with 2', () => {
  test.each([
    [['frobnicate'], /unknown command/],
    [['month-end', 'start', '2026-13'], /"2026-13" is not a month/],
    [['month-end', 'force', '2026-05'], /required option '--reason/],
    [['keys', 'create', '--scope', 'root', '--label', 'x'], /Allowed choices are gateway/],
    [
      ['usage', 'replay', 'x.csv', '--deployments', 'acme'],
      /expected tenant\/deployment such as acme\/acme-a/,
    ],
  ])('%j', async (args, message) => {
    const { code, stderr } = await runCli(args);
    expect(code).toBe(2);
    expectOneError(stderr, message);
  });
});

describe('failure exits with 1 and a sentence', () => {
  test('missing configuration', async () => {
    const { code, stderr } = await runCli(['invoices', 'list']);
    expect(code).toBe(1);
    expectOneError(stderr, /DATABASE_URL/);
  });

  test('an unreachable database is named without its password', async () => {
    const { code, stderr } = await runCli(['migrate'], {
      DATABASE_URL: 'postgres://app:secret@127.0.0.1:1/arcadia',
      START_TIMEOUT_SECONDS: '1',
    });
    expect(code).toBe(1);
    expectOneError(stderr, /PostgreSQL at 127\.0\.0\.1:1\/arcadia can't be reached.*gave up/);
    expect(stderr).toContain('attempt 1, trying again');
    expect(stderr).not.toContain('secret');
  });

  test('a migration by a role that may not', async () => {
    const empty = await createTestDatabase({ isEmpty: true });
    const { code, stderr } = await runCli(['migrate'], { DATABASE_URL: empty.appUrl });
    await empty.drop();
    expect(code).toBe(1);
    expectOneError(stderr, 'arcadia_app may not create tables in this database');
    expect(stderr).toContain('check DATABASE_MIGRATOR_URL');
  });

  test('a file that is not there', async () => {
    const { code, stderr } = await runCli(['catalogue', 'apply', '/nowhere.json'], env);
    expect(code).toBe(1);
    expectOneError(stderr, 'There is no file /nowhere.json');
  });

  test('LOG_LEVEL=debug shows where it came from', async () => {
    const { stderr } = await runCli(['month-end', 'start', '2199-12'], { LOG_LEVEL: 'debug' });
    expect(stderr).toMatch(/^\s+at /m);
  });
});

test('--help shows examples', async () => {
  for (const args of [['--help'], ['month-end', 'force', '--help']]) {
    const { code, stdout } = await runCli(args);
    expect(code).toBe(0);
    expect(stdout).toContain('npm run cli -- month-end force');
  }
});

test('the catalogue and the tenants of the demo, then keys and invoices', async () => {
  const json = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await runCli([...args, '--json'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  };
  expect(await json('migrate')).toEqual({ applied: [] });
  expect(await json('catalogue', 'apply', 'demo/catalogue.json')).toContainEqual({
    what: 'plan version',
    id: 'studio-v1',
    change: 'created',
  });
  expect(await json('subscriptions', 'apply', 'demo/subscriptions.json')).toMatchObject({
    changes: [{ what: 'tenants', created: 28 }, {}, {}, {}, {}],
    warnings: [
      { message: expect.stringContaining('month end will park tenant southern-cross') as string },
    ],
  });

  const key = (await json(
    'keys',
    'create',
    '--scope',
    'tenant',
    '--tenant',
    'harbour-studio',
    '--label',
    'x',
  )) as {
    key_id: string;
    key: string;
  };
  expect(key.key).toMatch(/^arc_tenant_/);
  await json('keys', 'revoke', key.key_id);
  expect(await json('keys', 'list')).toMatchObject([
    { key_id: key.key_id, tenant_id: 'harbour-studio', revoked_at: expect.any(String) as string },
  ]);
  const stranger = ['keys', 'create', '--scope', 'tenant', '--tenant', 'nobody', '--label', 'x'];
  expectOneError((await runCli(stranger, env)).stderr, 'There is no tenant nobody');

  expect(await json('invoices', 'list')).toEqual([]);
  expectOneError(
    (await runCli(['invoices', 'show', 'acme-000001'], env)).stderr,
    'There is no invoice',
  );
});

test('a catalogue with a mistake applies nothing', async () => {
  const bad = write('bad.json', '{"plans": [{"code": "p", "versions": [{"version": 1}]}]}');
  const { code, stderr } = await runCli(['catalogue', 'apply', bad], env);
  expect(code).toBe(1);
  expectOneError(
    stderr,
    /bad\.json has 4 errors, nothing was applied:\n {2}plans\[0\]\.versions\[0\]\.currency/,
  );
});

describe('files are read as strictly as the API reads bodies', () => {
  const seller = readFileSync('demo/seller.json', 'utf8');
  const named = seller.replace(/"legal_name": "[^"]*"/, '"legal_name": "Bäckerei Müller"');
  const twice = (json: string, name: string) =>
    Buffer.from(json.replace(`"${name}":`, `"${name}": null, "${name}":`));
  const catalogue = JSON.stringify({
    addons: [{ code: 'extra', resource_kind: 'k', qty: '1', price_cents: 99 }],
  });
  const tenants = JSON.stringify({ tenants: [] });

  test.each([
    [
      'catalogue',
      twice(catalogue, 'price_cents'),
      'addons[0].price_cents: this name appears twice',
    ],
    ['subscriptions', twice(tenants, 'tenants'), 'tenants: this name appears twice'],
    ['seller', twice(seller, 'legal_name'), 'legal_name: this name appears twice'],
    ['seller', Buffer.from(named, 'latin1'), 'the file is not UTF-8; it looks like Latin-1'],
    ['catalogue', Buffer.from(catalogue, 'utf16le'), 'the file is not UTF-8; it looks like UTF-16'],
  ])('%s apply refuses one with a mistake', async (command, bytes, message) => {
    const { code, stdout, stderr } = await runCli([command, 'apply', write('f.json', bytes)], env);
    expect([code, stdout]).toEqual([1, '']);
    expectOneError(stderr, 'f.json has an error, nothing was applied');
    expect(stderr).toContain(message);
  });

  test('a byte order mark is skipped, in JSON and in a trace', async () => {
    const marked = write('bom.json', Buffer.from(`\ufeff${tenants}`));
    expect(await runCli(['subscriptions', 'apply', marked], env)).toMatchObject({ code: 0 });
    const trace = write('bom.csv', '\ufeffTIMESTAMP,ContextTokens,GeneratedTokens\n');
    const replay = await runCli(['usage', 'replay', trace], env);
    expect(replay.stderr).toContain('bom.csv contains no requests');
  });

  test.each(['latin1', 'utf16le'] as const)(
    'a trace in %s is refused by name',
    async (encoding) => {
      const header = 'TIMESTAMP,ContextTokens,GeneratedTokens,Größe\n';
      const trace = write('trace.csv', Buffer.from(header, encoding));
      const { code, stderr } = await runCli(['usage', 'replay', trace], env);
      expect(code).toBe(1);
      const name = encoding === 'latin1' ? 'Latin-1' : 'UTF-16';
      expectOneError(stderr, `trace.csv is not UTF-8; it looks like ${name}: save it as UTF-8`);
    },
  );
});

test('the Schedule: applied, paused, described, resumed', async () => {
  const before = await runCli(['schedule', 'describe'], env);
  expectOneError(before.stderr, 'create it with `schedule apply`');
  expect((await runCli(['schedule', 'apply'], env)).stdout).toContain(
    'Schedule created: it fires at 06:00 UTC on the first of each month.\n' +
      'Schedule of daily notices created: it fires at 08:00 UTC every day.\n' +
      'Schedule of the usage sweep created: it fires every 5 minutes.',
  );
  expect((await runCli(['schedule', 'pause', '--reason', 'meters'], env)).code).toBe(0);
  const again = ['schedule', 'apply', '--hour', '7', '--sweep-minutes', '10'];
  expect((await runCli(again, env)).stdout).toMatch(
    /updated: it fires at 07:00[^]+sweep updated: it fires every 10 minutes/,
  );

  const { stdout } = await runCli(['schedule', 'describe', '--json'], env);
  expect(JSON.parse(stdout)).toMatchObject({
    paused: true,
    note: 'meters',
    overlap: 'ALLOW_ALL',
    catchup_window_days: 365,
    pause_on_failure: false,
    next: [
      expect.stringMatching(/-01T07:00:00\.000Z$/),
      expect.anything(),
      expect.anything(),
    ] as unknown[],
    daily_notices: { paused: false, next: expect.stringMatching(/T08:00:00\.000Z$/) },
    usage_sweep: { paused: false, next: expect.stringMatching(/:\d0:00\.000Z$/) },
  });
  expect((await runCli(['schedule', 'resume'], env)).stdout).toContain('The Schedule is active.');
});
