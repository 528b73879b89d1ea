import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { llmEvent, meteredRecord } from '../api/_harness.ts';
import { startTestServer, type TestServer } from '../api/_server.ts';
import { countEvents } from '../ingestion/_ledger.ts';
import { runCli } from './_run-cli.ts';

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await startTestServer();
  folder = mkdtempSync(join(tmpdir(), 'arcadia-send-'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, events: readonly object[]): string {
  const path = join(folder, name);
  writeFileSync(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  return path;
}

const send = (path: string, ...more: string[]) =>
  runCli(
    ['--json', 'usage', 'send', path, '--source', 'llm', '--api-url', server.api.url, ...more],
    {
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      GATEWAY_API_KEY: server.keys.gateway,
      METERING_API_KEY: server.keys.metering,
      OPERATOR_API_KEY: server.keys.operator,
    },
  );

test('sends a file; run again, everything is a duplicate', async () => {
  const path = write(
    'good.ndjson',
    Array.from({ length: 3_000 }, () => llmEvent()),
  );
  const first = await send(path);
  expect([first.code, first.stderr]).toEqual([0, expect.any(String)]);
  expect(JSON.parse(first.stdout)).toMatchObject({ counts: { accepted: 3_000, duplicate: 0 } });
  const second = await send(path, '--backfill-reason', 'again, as an operator');
  expect(JSON.parse(second.stdout)).toMatchObject({ counts: { accepted: 0, duplicate: 3_000 } });
  expect(await countEvents(server.db)).toBe(3_000);
});

test('lines that are refused are told, and exit with 3', async () => {
  const event = llmEvent();
  const path = write('bad.ndjson', [event, { ...event, model: 'other' }, { nothing: true }]);
  const { code, stdout } = await send(path);
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    counts: { accepted: 1, conflict: 1, rejected: 1 },
    refused: [
      { line: 2, status: 'conflict' },
      { line: 3, status: 'rejected' },
    ],
  });
});

test('a byte order mark costs no event; another encoding and a repeated name are told by line', async () => {
  const path = join(folder, 'marked.ndjson');
  const [first, second] = [llmEvent(), llmEvent()];
  const twice = JSON.stringify(second).replace('{', '{"charge_cents":"9900",');
  writeFileSync(path, `\ufeff${JSON.stringify(first)}\n${twice}\n`);
  expect(JSON.parse((await send(path)).stdout)).toMatchObject({
    counts: { accepted: 1, rejected: 1 },
    refused: [{ line: 2, reason: '/charge_cents: this name appears twice in its object' }],
  });
  writeFileSync(path, Buffer.from(`\ufeff${JSON.stringify(llmEvent())}\n`, 'utf16le'));
  const reason = 'the line is not UTF-8; it looks like UTF-16: save it as UTF-8';
  expect(JSON.parse((await send(path)).stdout)).toMatchObject({
    counts: { accepted: 0 },
    refused: expect.arrayContaining([expect.objectContaining({ line: 1, reason })]) as object,
  });
});

test('corrections that the API gives back are sent again, and told where they stay too early', async () => {
  const record = meteredRecord({ resource_kind: 'sent', qty: '10' });
  const correction = meteredRecord({ resource_kind: 'sent', qty: '4', replaces: record.record_id });
  const orphan = meteredRecord({ resource_kind: 'sent', replaces: 'never-came' });
  const path = write('early.ndjson', [orphan, correction, record]);
  const { code, stdout } = await send(path, '--source', 'metered');
  expect(JSON.parse(stdout)).toMatchObject({
    counts: { accepted: 2, retry_later: 1, rejected: 0 },
    refused: [{ line: 1, status: 'retry_later' }],
  });
  expect(code).toBe(3);
});

test('a refusal as a whole, a missing file and a missing server fail, in one sentence', async () => {
  const path = write('one.ndjson', [llmEvent()]);
  const wrongKey = await runCli(
    ['usage', 'send', path, '--source', 'metered', '--api-url', server.api.url],
    { METERING_API_KEY: server.keys.gateway, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
  );
  expect(wrongKey.code).toBe(1);
  expect(wrongKey.stderr).toContain('The API answered 403');
  expect((await send(join(folder, 'none.ndjson'))).code).toBe(1);
  const away = await send(path, '--api-url', 'http://127.0.0.1:1');
  expect([away.code, away.stderr]).toEqual([1, expect.stringContaining('broke: ')]);
});
