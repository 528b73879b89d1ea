import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  makePrivateFolder,
  openPrivate,
  writePrivateFile,
  writeWhole,
} from '../../src/lib/private-files.ts';

let folder: string;
let umask: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arcadia-private-'));
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
});
const at = (name: string) => join(folder, name);
const modeOf = (name: string) => (lstatSync(at(name)).mode & 0o777).toString(8);

test('files and folders are for their owner alone, whatever the umask', async () => {
  makePrivateFolder(at('a/b'));
  await writePrivateFile(at('a/b/env'), 'secret');
  closeSync(openPrivate(at('a/b/log')));
  expect(['a', 'a/b', 'a/b/env', 'a/b/log'].map(modeOf)).toEqual(['700', '700', '600', '600']);
});

test('a file that everybody could read is replaced by one that only its owner can', async () => {
  for (const name of ['env', 'log']) {
    writeFileSync(at(name), 'old');
    chmodSync(at(name), 0o666);
  }
  await writePrivateFile(at('env'), 'new');
  closeSync(openPrivate(at('log')));
  expect(readFileSync(at('env'), 'utf8')).toBe('new');
  expect(['env', 'log'].map(modeOf)).toEqual(['600', '600']);
});

test('a link of the same name is replaced, not followed', async () => {
  writeFileSync(at('target'), 'precious');
  for (const name of ['env', 'log']) symlinkSync(at('target'), at(name));
  await writePrivateFile(at('env'), 'new');
  closeSync(openPrivate(at('log')));
  expect(readFileSync(at('target'), 'utf8')).toBe('precious');
  expect(lstatSync(at('env')).isSymbolicLink()).toBe(false);
});

test('the unfinished file has a name that nobody can have prepared, and only its owner reads it', async () => {
  const seen = new Set<string>();
  for (let round = 0; round < 2; round += 1) {
    await writeWhole(at('invoice.pdf'), async (append) => {
      await append('half');
      const [name = ''] = readdirSync(folder).filter((found) => found.endsWith('.part'));
      expect(modeOf(name)).toBe('600');
      expect(name).not.toContain(String(process.pid));
      seen.add(name);
      await append(' and half');
    });
  }
  expect(seen.size).toBe(2);
  expect(readFileSync(at('invoice.pdf'), 'utf8')).toBe('half and half');
  expect(readdirSync(folder)).toEqual(['invoice.pdf']);
});

test('a write that fails leaves what was there, and nothing of its own', async () => {
  await writePrivateFile(at('invoice.pdf'), 'before');
  const failing = writeWhole(at('invoice.pdf'), async (append) => {
    await append('half');
    throw new Error('the disk is full');
  });
  await expect(failing).rejects.toThrow('the disk is full');
  expect(readFileSync(at('invoice.pdf'), 'utf8')).toBe('before');
  expect(readdirSync(folder)).toEqual(['invoice.pdf']);
});

test('of several writers at once each writes a whole file', async () => {
  const texts = Array.from({ length: 10 }, (_, n) => `${n}`.repeat(10_000));
  await Promise.all(texts.map((text) => writePrivateFile(at('ports.json'), text)));
  expect(texts).toContain(readFileSync(at('ports.json'), 'utf8'));
  expect(readdirSync(folder)).toEqual(['ports.json']);
});

test('compiled code is kept below the home folder, not where everybody could plant some', () => {
  for (const name of ['home', 'tmp']) mkdirSync(at(name));
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'src/cli/main.ts', '--version'],
    {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: at('home'), TMPDIR: at('tmp') },
    },
  );
  expect([status, stderr]).toEqual([0, '']);
  expect(readdirSync(at('tmp'))).toEqual([]);
  expect(readdirSync(at('home/.cache/arcadia-invoicing'))).toEqual(['compile-cache']);
});
