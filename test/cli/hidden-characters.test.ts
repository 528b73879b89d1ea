import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RESULT_STATUSES } from '../../src/client/gateway/usage-client.ts';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { llmEvent } from '../api/_harness.ts';
import { startTestServer, type TestServer } from '../api/_server.ts';
import { runCli, type CliResult } from './_run-cli.ts';

/** What a third party puts into a terminal: colours, a cleared screen, a forged line, a reordered name. */
const EVIL = '\u001b[31mred\u001b[2J\u009b2J\u202egnp\u200b\nForged: all is well\r\u0007';
const END = { summary: Object.fromEntries([...RESULT_STATUSES, 'lines'].map((name) => [name, 1])) };
const HIDDEN = /(?![\n])[\p{Cc}\p{Default_Ignorable_Code_Point}]/u;

let server: TestServer;
let empty: TestDatabase;
let hostile: Server;
let hostileUrl: string;
let folder: string;
beforeAll(async () => {
  [server, empty] = await Promise.all([startTestServer(), createTestDatabase()]);
  folder = mkdtempSync(join(tmpdir(), 'arcadia-hidden-'));
  hostile = createServer((request, response) => {
    request.resume();
    if (request.url?.includes('backfill_reason')) {
      const answer = { line: 1, gateway_request_id: EVIL, status: 'rejected', reason: EVIL };
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
      response.end(`${JSON.stringify(answer)}\n${JSON.stringify(END)}\n`);
      return;
    }
    response.writeHead(422, { 'Content-Type': 'application/problem+json' });
    response.end(JSON.stringify({ title: EVIL, detail: EVIL }));
  });
  await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve));
  hostileUrl = `http://127.0.0.1:${(hostile.address() as { port: number }).port}`;
});
afterAll(async () => {
  hostile.close();
  await server[Symbol.asyncDispose]();
  await empty.drop();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function cli(...args: string[]): Promise<CliResult> {
  return runCli(args, {
    DATABASE_URL: empty.appUrl,
    GATEWAY_API_KEY: server.keys.gateway,
    OPERATOR_API_KEY: server.keys.operator,
  });
}

function expectShown({ stdout, stderr }: CliResult): void {
  const said = stdout + stderr;
  expect(said).not.toMatch(HIDDEN);
  expect(said).not.toMatch(/^\s*Forged/m);
  expect(said).toContain(String.raw`\u202egnp`);
}

describe.each([[[]], [['--json']]])(
  'with %j, hidden characters are shown and forge no line',
  (flags) => {
    test('in the names of fields that a file has and our API refuses', async () => {
      const file = write('evil.ndjson', `${JSON.stringify({ ...llmEvent(), [EVIL]: 1 })}\n`);
      const sent = await cli(
        ...flags,
        'usage',
        'send',
        file,
        '--source',
        'llm',
        '--api-url',
        server.api.url,
      );
      expect(sent.code).toBe(3);
      expectShown(sent);
    });

    test.each([
      ['refuses', []],
      ['answers line by line', ['--backfill-reason', 'x']],
    ])('in what another API says that %s', async (_name, more) => {
      const file = write('good.ndjson', `${JSON.stringify(llmEvent())}\n`);
      const api = ['--source', 'llm', '--api-url', hostileUrl, ...more];
      expectShown(await cli(...flags, 'usage', 'send', file, ...api));
    });

    test('in the errors of a catalogue file, by the names of its fields', async () => {
      const file = write('evil.json', JSON.stringify({ [EVIL]: 1, plans: [{ [EVIL]: 1 }] }));
      const applied = await cli(...flags, 'catalogue', 'apply', file);
      expect(applied.code).toBe(1);
      expectShown(applied);
    });

    test('in what is wrong with a trace', async () => {
      const trace = write('evil.csv', `"${EVIL}",b\n1,2\n`);
      expectShown(await cli(...flags, 'usage', 'replay', trace, '--api-url', server.api.url));
    });

    test('in arguments that name nothing, and options that there are not', async () => {
      expectShown(await cli(...flags, 'invoices', 'show', EVIL));
      expectShown(await cli(...flags, `--${EVIL}`));
      expectShown(await cli(...flags, 'month-end', 'status', EVIL));
    });

    test('in names and reasons on record', async () => {
      const name = EVIL.replaceAll(/\p{Cc}/gu, '');
      const tenant = { tenant_id: 'evil', name, currency: 'AUD', buyer: { legal_name: name } };
      const file = write(
        'named.json',
        JSON.stringify({ tenants: [{ ...tenant, deployments: [] }] }),
      );
      await cli('subscriptions', 'apply', file);
      expectShown(
        await cli(...flags, 'keys', 'create', '--scope', 'gateway', '--label', name).then(() =>
          cli(...flags, 'keys', 'list'),
        ),
      );
    });
  },
);
