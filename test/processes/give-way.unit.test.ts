import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const GIVE_WAY = new URL('../../src/give-way.ts', import.meta.url).href;
const AUTOGROUP = '/proc/self/autogroup';

/** A process that gives way, and says with what priority it and its session go on. */
const SCRIPT = `
  import { existsSync, readFileSync } from 'node:fs';
  import { getPriority } from 'node:os';
  import { giveWay } from '${GIVE_WAY}';
  giveWay(Number(process.argv[1]));
  const session = existsSync('${AUTOGROUP}') ? readFileSync('${AUTOGROUP}', 'utf8') : '';
  console.log(JSON.stringify({ priority: getPriority(), session }));
`;
const ARGS = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', SCRIPT];

interface Told {
  readonly priority: number;
  readonly session: string;
}

async function inOurSession(niceness: number): Promise<Told> {
  const { stdout } = await promisify(execFile)(process.execPath, [...ARGS, String(niceness)]);
  return JSON.parse(stdout) as Told;
}

async function inItsOwnSession(niceness: number): Promise<Told> {
  const child = spawn(process.execPath, [...ARGS, String(niceness)], { detached: true });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return JSON.parse(output) as Told;
}

test('a process gives way to others', async () => {
  const { priority } = await inOurSession(7);
  expect(priority).toBe(7);
});

test('0 changes nothing', async () => {
  const { priority } = await inItsOwnSession(0);
  expect(priority).toBe((await inOurSession(0)).priority);
});

const hasAutogroups = existsSync(AUTOGROUP);

test.skipIf(!hasAutogroups)(
  'so does its session, where it has one of its own (needs a kernel with autogroups)',
  async () => {
    expect((await inItsOwnSession(7)).session).toMatch(/ nice 7\n$/);
  },
);

test.skipIf(!hasAutogroups)(
  'a session that it shares with others stays as it is (needs a kernel with autogroups)',
  async () => {
    const ours = readFileSync(AUTOGROUP, 'utf8');
    // Another one than above: what that might have left behind isn't taken for what was there.
    expect((await inOurSession(9)).session).toBe(ours);
    expect(readFileSync(AUTOGROUP, 'utf8')).toBe(ours);
  },
);
