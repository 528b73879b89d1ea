import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { createWorld, type World } from '../_util/world.ts';
import { IN_A_HURRY, runCli } from './_run-cli.ts';
import { startCli, startOnTerminal } from './_start-cli.ts';

let world: World;
let env: Record<string, string>;
beforeAll(async () => {
  world = await createWorld();
  const { appUrl, address, client } = world;
  env = {
    DATABASE_URL: appUrl,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: client.options.namespace,
  };
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'planless', [{ deploymentId: 'planless-a', planVersionId: null }]);
});
afterAll(() => world[Symbol.asyncDispose]());

const ESCAPE = '\u001b[';

/** Every name in a JSON document. */
function namesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.values(value).flatMap(namesIn)];
}

async function show(args: readonly string[], columns: number, more: Record<string, string> = {}) {
  const { ended, stdout } = startOnTerminal(args, { ...env, ...more }, columns);
  await ended;
  return stdout();
}

describe('a month that is watched', () => {
  test('without a worker: says so, and at Ctrl-C says what continues without it', async () => {
    const start = ['month-end', 'start', MONTH, '--request-id', 'first', '--watch'];
    const { child, stderr, ended } = startCli(start, env);
    await until(
      () => Promise.resolve(stderr()),
      (said) => said.includes('does not answer: is a worker running?'),
    );
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(stderr()).toContain(
      `Interrupted. The month end of ${MONTH} continues. To follow it, run \`month-end status ${MONTH} --watch\`.`,
    );
  });

  test('until it is done, and exits with 3 where a tenant is parked', async () => {
    await world.startWorker();
    const watched = await runCli(['month-end', 'status', MONTH, '--watch'], env);
    expect(watched.stdout).toContain(
      '1 invoiced, 0 adjusted, 0 skipped, 0 unchanged, 0 nothing to bill, 1 parked',
    );
    expect(watched.code).toBe(3);
    // Not watched, it is no complaint.
    expect((await runCli(['month-end', 'status', MONTH], env)).code).toBe(0);
  });

  test('for tenants that were named: what became of them, and exits by them alone', async () => {
    const force = ['month-end', 'force', MONTH, '--reason', 'again', '--watch', '--tenant'];
    const forced = await runCli([...force, 'acme', '--json'], env);
    const said = JSON.parse(forced.stdout) as { status: { requests: unknown[] } };
    expect(said).toMatchObject({
      month: MONTH,
      force: { tenant_ids: ['acme'] },
      tenants: [{ tenant_id: 'acme', outcome: 'rolled', number: 'acme-000002', revision: 2 }],
      status: { progress: { state: 'open' }, outcomes: { rolled: 1, parked: 1 } },
    });
    expect(said.status.requests).toHaveLength(2);
    expect(namesIn(said).filter((name) => !/^[a-z0-9_]+$/.test(name))).toEqual([]);
    // Another tenant is parked, which is nothing of ours.
    expect(forced.code).toBe(0);

    const parked = await runCli([...force, 'acme', 'planless'], env);
    expect(parked.stdout).toMatch(
      /^acme: invoiced, acme-000003 \(revision 3\), AUD 55\.00\nplanless: parked: .+\n\n2026-05: /,
    );
    expect(parked.code).toBe(3);
  });
});

describe('on a terminal', () => {
  test('colours, unless they are turned off', async () => {
    expect(await show(['invoices', 'list'], 200)).toContain(ESCAPE);
    expect(await show(['invoices', 'list'], 200, { NO_COLOR: '1' })).not.toContain(ESCAPE);
    expect(await show(['invoices', 'list'], 200, { TERM: 'dumb' })).not.toContain(ESCAPE);
  });

  test('piped, they are for those who ask', async () => {
    expect((await runCli(['invoices', 'list'], env)).stdout).not.toContain(ESCAPE);
    const forced = await runCli(['invoices', 'list'], { ...env, FORCE_COLOR: '1' });
    expect(forced.stdout).toContain(ESCAPE);
  });

  test.each([30, 60, 100, 140])(
    'in %i columns an invoice fits, and nothing of it is lost',
    async (columns) => {
      const text = stripVTControlCharacters(await show(['invoices', 'list'], columns));
      expect(text).toMatch(/acme-000003[^]*50\.00/);
      // An id is never broken, however little room there is.
      const widest = Math.max(...text.split(/\r?\n/).map(({ length }) => length));
      expect(widest).toBeLessThanOrEqual(Math.max(columns, 50));
    },
  );

  test('a bar, which is gone in the end', async () => {
    const shown = await show(['month-end', 'verify', MONTH], 100);
    expect(shown).toMatch(/Verifying 2026-05 [━─]+ \d+ % · \d+\/\d+ checks/);
    expect(stripVTControlCharacters(shown).trimEnd().split('\n').at(-1)).toMatch(
      /^All checks passed\./,
    );
    // The cursor is back.
    expect(shown.lastIndexOf('\u001b[?25h')).toBeGreaterThan(shown.lastIndexOf('\u001b[?25l'));
    expect((await runCli(['month-end', 'verify', MONTH], env)).stderr).toBe('');
  });
});

describe('errors', () => {
  test('as JSON, in one line, with what to do', async () => {
    const away = {
      ...env,
      ...IN_A_HURRY,
      DATABASE_URL: 'postgres://app:secret@127.0.0.1:1/arcadia',
    };
    const { code, stderr } = await runCli(['invoices', 'list', '--json'], away);
    expect(code).toBe(1);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines.at(-1)).toEqual({
      error: 'unreachable',
      reason: expect.stringMatching(
        /^PostgreSQL at 127\.0\.0\.1:1\/arcadia can't be reached/,
      ) as string,
      hint: expect.stringContaining('DATABASE_URL') as string,
    });
    expect(lines[0]).toEqual({ note: expect.stringContaining('trying again') as string });
    expect(stderr).not.toContain('secret');
  });

  test('a Temporal that is away is named', async () => {
    const { code, stderr } = await runCli(['schedule', 'describe'], {
      ...env,
      ...IN_A_HURRY,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /The Temporal server at 127\.0\.0\.1:1 can't be reached[^]*→ .*TEMPORAL_ADDRESS/,
    );
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test.each([
    [['month-end', 'strat', MONTH], 'start'],
    [['invoices', 'list', '--mont', MONTH], '--month'],
  ])('%j: what was meant', async (args, meant) => {
    const inText = await runCli(args, env);
    expect(inText).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Did you mean ${meant}?`) as string,
    });
    const inJson = await runCli([...args, '--json'], env);
    expect(JSON.parse(inJson.stderr)).toMatchObject({
      error: 'invalid-command',
      hint: `Did you mean ${meant}?`,
    });
  });

  test('--verbose shows where they come from', async () => {
    const { stderr } = await runCli(['invoices', 'show', 'nobody-000001', '--verbose'], env);
    expect(stderr).toMatch(/There is no invoice nobody-000001\n\s+at /);
  });
});

test('a reader that leaves early is no failure', async () => {
  // It is gone long before there is anything to read.
  const command = `set -o pipefail; "$@" | true`;
  const cli = [process.execPath, '--disable-warning=ExperimentalWarning', 'src/cli/main.ts'];
  const answer = await new Promise<object>((resolve) => {
    execFile(
      'bash',
      ['--norc', '-c', command, 'bash', ...cli, 'month-end', 'status', MONTH, '--json'],
      { env: { PATH: process.env.PATH, LOCAL_STATE_DIR: '/nonexistent', ...env } },
      (error, stdout, stderr) => resolve({ error, stdout, stderr }),
    );
  });
  expect(answer).toEqual({ error: null, stdout: '', stderr: '' });
});

describe('interrupted', () => {
  test('what sends says how far it was, and that it may be run again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arcadia-interrupted-'));
    const path = join(folder, 'usage.ndjson');
    writeFileSync(path, '{"gateway_request_id": "x"}\n');
    // An API that takes everything and says nothing.
    const server = createServer((request) => request.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const args = [
      'usage',
      'send',
      path,
      '--source',
      'llm',
      '--api-url',
      `http://127.0.0.1:${port}`,
    ];
    const { child, ended, stderr } = startCli(args, { ...env, GATEWAY_API_KEY: 'x' });
    const [request] = (await once(server, 'request')) as [NodeJS.ReadableStream];
    await once(request, 'end');
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(stderr()).toMatch(
      /^Interrupted\. Sending: 100 %, 0\.0 of 0\.0 MiB\. Accepted events are not counted twice: run the command again to send the rest\.$/m,
    );
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
});
