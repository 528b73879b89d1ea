import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeCluster } from '../../dev/postgres.ts';
import { until } from '../_util/until.ts';

/** The demo as run by a newcomer, in a state folder with a space in its name. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcadia demo-'));
});
afterAll(() => {
  removeCluster(folder);
  rmSync(folder, { recursive: true, force: true });
});

function startDemo(...args: string[]) {
  // Its own servers, whatever else runs here.
  const env = { DATABASE_URL: '', TEMPORAL_ADDRESS: '', API_PORT: '' };
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'dev/demo.ts', ...args],
    { env: { ...process.env, ...env, LOCAL_STATE_DIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const demo = { child, output: '', code: new Promise<number | null>(() => undefined) };
  child.stdout.on('data', (chunk: Buffer) => (demo.output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (demo.output += chunk.toString()));
  demo.code = new Promise((resolve) => child.once('close', resolve));
  return demo;
}

/** Processes with our folder anywhere on their command line. */
function leftBehind(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(folder) ? [command] : [];
      } catch {
        return []; // it has ended since
      }
    });
}

/** Files in the state folder that other users can read or write. */
function readableByOthers(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => (statSync(path).mode & 0o077) !== 0);
}

async function expectNothingLeft(): Promise<void> {
  if (process.platform !== 'linux') return;
  await until(
    () => Promise.resolve(leftBehind()),
    (left) => left.length === 0,
    10_000,
  );
}

test('a first run invoices every tenant except the broken one, and a second run skips them', async () => {
  const first = startDemo('--exit');
  expect(await first.code, first.output).toBe(0);
  expect(first.output).toContain(
    '32 invoiced, 0 adjusted, 0 skipped, 0 unchanged, 0 nothing to bill, 1 parked',
  );
  expect(first.output).toMatch(/juniper-labs-000001 +1 +superseded/);
  // README shows this output, which changes with each migration.
  const [migrated] = /\d+ migrations applied/.exec(first.output) ?? [];
  expect(migrated).toBeDefined();
  expect(readFileSync('README.md', 'utf8')).toContain(migrated);
  await expectNothingLeft();
  expect(readableByOthers()).toEqual([]);

  const second = startDemo('--exit');
  expect(await second.code, second.output).toBe(0);
  expect(second.output).toContain('LLM requests: 0 accepted');
  expect(second.output).toContain(
    '0 invoiced, 0 adjusted, 32 skipped, 0 unchanged, 0 nothing to bill, 1 parked',
  );
  expect(second.output).toContain('billed by an earlier run: juniper-labs-000002 is revision 2');
  await expectNothingLeft();
}, 180_000);

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s during a run leaves no process behind',
  async (signal) => {
    const demo = startDemo();
    await until(
      () => Promise.resolve(demo.output),
      (output) => output.includes(' 2   '),
      60_000,
    );
    await sleep(100);
    demo.child.kill(signal);
    expect(await demo.code).not.toBeNull();
    expect(demo.output).toContain('To continue, run `npm run demo` again.');
    expect(demo.output).not.toContain('failed');
    await expectNothingLeft();
  },
  90_000,
);

test('SIGKILL leaves no process behind either, and the next run starts over', async () => {
  const demo = startDemo();
  await until(
    () => Promise.resolve(demo.output),
    (output) => output.includes(' 4   '),
    60_000,
  );
  demo.child.kill('SIGKILL');
  await demo.code;
  await expectNothingLeft();

  const next = startDemo('--reset', '--exit');
  expect(await next.code, next.output).toBe(0);
  expect(next.output).toContain(
    '32 invoiced, 0 adjusted, 0 skipped, 0 unchanged, 0 nothing to bill, 1 parked',
  );
}, 180_000);
