import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applySchedule } from '../../src/temporal/schedule.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { claimNamespace } from '../_util/temporal.ts';
import { until } from '../_util/until.ts';
import { startProcess, untilApiStarted } from './_start.ts';
import { ANY_TIME_ENV } from '../_util/any-time.ts';

/** `npm start` as run by a deployment. */
let testDatabase: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const { address, namespace } = await claimNamespace();
  env = {
    DATABASE_URL: testDatabase.appUrl,
    ...ANY_TIME_ENV,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    API_PORT: '0',
    START_TIMEOUT_SECONDS: '1',
  };
});
afterAll(() => testDatabase.drop());

const start = (args: readonly string[], overrides: Readonly<Record<string, string>> = {}) =>
  startProcess(args, { ...env, ...overrides });

test('API and worker start, answer and stop on SIGTERM', async () => {
  const both = start([]);
  await until(
    () => Promise.resolve(both.output),
    (output) => output.includes('worker started') && output.includes('API started'),
  );
  const url = await untilApiStarted(both);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  both.child.kill('SIGTERM');
  expect(await both.code, both.output).toBe(0);
  expect(both.output).toContain('"msg":"stopped"');
});

test('the API reports a missing Schedule until it exists', async () => {
  const api = start(['api'], {
    WATCHDOG_INTERVAL_SECONDS: '1',
    DATABASE_URL: testDatabase.apiUrl,
  });
  const url = await untilApiStarted(api);
  const untilFound = (codes: readonly string[]) =>
    until(
      async () => {
        const { month_end } = (await (await fetch(`${url}/readyz`)).json()) as {
          month_end: { ok: boolean; checked_at: string | null; findings: { code: string }[] };
        };
        // Whether another test's worker still counts depends on the timing.
        const codes = month_end.findings.map(({ code }) => code);
        return { ...month_end, codes: codes.filter((code) => code !== 'no_worker') };
      },
      (found) => found.checked_at !== null && found.codes.join() === codes.join(),
    );
  expect((await untilFound(['schedule_missing'])).ok).toBe(false);
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
    /^watchdog_finding\{.*code="schedule_missing".*\} 1$/m,
  );

  const connection = await Connection.connect({ address: env.TEMPORAL_ADDRESS! });
  await applySchedule(new Client({ connection, namespace: env.TEMPORAL_NAMESPACE! }), 'UTC');
  await connection.close();
  await untilFound([]);
  api.child.kill('SIGTERM');
  expect(await api.code, api.output).toBe(0);
  const told = api.output
    .split('\n')
    .filter((line) => line.includes('"finding":"schedule_missing"'));
  expect(told).toEqual([
    expect.stringMatching(/"level":50.*there is no Schedule/),
    expect.stringMatching(/"level":30.*schedule_missing is over/),
  ]);
});

test.each([
  ['api', 'apiUrl', 'API started', 'worker started'],
  ['worker', 'workerUrl', 'worker started', 'API started'],
] as const)('%s alone runs with its own role', async (part, url, present, absent) => {
  const one = start([part], { DATABASE_URL: testDatabase[url] });
  await until(
    () => Promise.resolve(one.output),
    (output) => output.includes(present),
  );
  one.child.kill('SIGINT');
  expect(await one.code).toBe(0);
  expect(one.output).not.toContain(absent);
});

test.each([
  [
    'PostgreSQL',
    { DATABASE_URL: 'postgres://app:secret@127.0.0.1:1/arcadia' },
    'PostgreSQL at 127.0.0.1:1/arcadia',
  ],
  ['Temporal', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, 'The Temporal server at 127.0.0.1:1'],
])('without %s it says so, retries and gives up', async (_, overrides, named) => {
  const lost = start([], overrides);
  expect(await lost.code).toBe(1);
  expect(lost.output).toContain(`${named} can't be reached`);
  expect(lost.output).toContain('gave up after 1 s');
  expect(lost.output).not.toContain('secret');
});

test.each([
  [
    'a server without TLS',
    { TEMPORAL_TLS: 'true' },
    /The Temporal server at 127\.0\.0\.1:\d+ doesn't offer TLS .*: check .*TEMPORAL_TLS=false/,
  ],
  [
    'a missing certificate',
    { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem' },
    /TEMPORAL_TLS_SERVER_CA_CERT_PATH can't be read: ENOENT/,
  ],
  [
    'a missing certificate for PostgreSQL',
    { DATABASE_URL: 'postgres://app:secret@127.0.0.1:1/arcadia?sslrootcert=/nowhere/ca.pem' },
    /sslrootcert of the database URL can't be read: ENOENT/,
  ],
])('with TLS and %s it ends without waiting', async (_, overrides, message) => {
  const wrong = start([], { ...overrides, START_TIMEOUT_SECONDS: '600' });
  expect(await wrong.code).toBe(1);
  expect(wrong.output).toMatch(message);
  expect(wrong.output).not.toContain('trying again');
  expect(wrong.output).not.toMatch(/"stack"|secret/);
});

test.each([
  ['missing configuration', [], { DATABASE_URL: '' }, 'DATABASE_URL'],
  ['an unknown part', ['apis'], {}, 'usage: npm start'],
])('%s is reported in one sentence', async (_, args, overrides, message) => {
  const wrong = start(args, overrides);
  expect(await wrong.code).toBe(1);
  expect(wrong.output).toContain(message);
  expect(wrong.output).not.toMatch(/^\s+at /m);
});
