import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../api/_server.ts';
import { spendRowOf } from '../litellm/spend-row.ts';
import { seedUsd } from '../_util/seed.ts';
import { runCli } from './_run-cli.ts';

const SAMPLE = fileURLToPath(new URL('../litellm/sample.ndjson', import.meta.url));
/** Three requests of one deployment, of a real proxy. */
const LINES = readFileSync(SAMPLE, 'utf8').split('\n').slice(0, 3);

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await startTestServer({
    now: () => new Date('2026-11-30T00:00:00Z'),
    config: { usage: { maxAgeDays: 62, maxAheadSeconds: 300 } },
  });
  await seedUsd(server.db, 'harbour-studio', ['harbour-studio-web']);
  folder = mkdtempSync(join(tmpdir(), 'arcadia-litellm-cli-'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const usage = (...args: string[]) =>
  runCli(['usage', ...args], {
    DATABASE_URL: server.appUrl,
    API_URL: server.api.url,
    GATEWAY_API_KEY: server.keys.gateway,
    OPERATOR_API_KEY: server.keys.operator,
  });

test('finds what is missing, sends it, and finds nothing more', async () => {
  const log = write('log.ndjson', LINES.map(spendRowOf).join('\n'));
  const missing = await usage('reconcile', log);
  expect([missing.code, missing.stderr]).toEqual([3, '']);
  expect(missing.stdout).toContain('equal 0, missing 3, in quarantine 0, only in the ledger 0');
  expect(missing.stdout).toContain('Missing from the ledger, exactly 0.0234504375 cents:');

  const sent = await usage('send', log, '--format', 'litellm');
  expect([sent.code, sent.stdout.split('\n')[0]]).toEqual([
    0,
    'accepted 3, duplicates 0, quarantined 0, conflicts 0',
  ]);
  const found = await usage('reconcile', log);
  expect(found.code).toBe(0);
  expect(found.stdout).toContain('equal 3, missing 0');
  expect(found.stdout).toMatch(/harbour-studio-web +3 +0\.0234504375 +3 +0\.0234504375/);
});

test('sends a log of any age as an operator, also if it is in quarantine already', async () => {
  const row = spendRowOf(LINES[0] ?? '')
    .replaceAll('chatcmpl-', 'old-')
    .replace('2026-11-29', '2026-01-29');
  const log = write('old.ndjson', row);
  const young = await usage('send', log, '--format', 'litellm');
  expect([young.code, young.stdout]).toEqual([3, expect.stringContaining('quarantined 1')]);
  const reason = ['--backfill-reason', 'LiteLLM was away', '--currency', 'USD'];
  const old = await usage('send', log, '--format', 'litellm', ...reason);
  expect([old.code, old.stdout]).toEqual([0, expect.stringContaining('accepted 1')]);
});

test('tells rows apart that it can’t send, and sends the others', async () => {
  const good = spendRowOf((LINES[1] ?? '').replaceAll('chatcmpl-', 'good-'));
  const log = write('mixed.ndjson', `{"nothing": true}\n${good}\n`);
  const sent = await usage('send', log, '--format', 'litellm');
  expect(sent.code).toBe(3);
  expect(sent.stdout).toContain('accepted 1');
  expect(sent.stdout).toContain("request 1: not a row of LiteLLM's spend log: request_id");
});

test.each([
  [['send', 'x', '--format', 'litellm', '--source', 'metered'], 'is for --source llm only'],
  [['send', 'x'], '--format events requires --source'],
  [['send', 'x', '--source', 'llm', '--keys', 'k'], 'require --format litellm'],
  [['reconcile', 'x'], "x can't be read"],
])('usage %j says what is wrong', async (args, message) => {
  const { code, stderr } = await usage(...args);
  expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
});

test('a file that is not JSON is named, with the place', async () => {
  const log = write('broken.json', `${spendRowOf(LINES[0] ?? '')}\nrequest_id,spend\n`);
  const { code, stderr } = await usage('reconcile', log);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('after request 1: expected an object'),
  ]);
});
