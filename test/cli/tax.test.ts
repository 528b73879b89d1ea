import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../_util/database.ts';
import { runCli } from './_run-cli.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const cli = (...args: string[]) => runCli(args, { DATABASE_URL: database.appUrl });

test('treatments, the registration and exchange rates are added and listed', async () => {
  const added = await cli(
    ...['tax', 'add', 'nz-export', '--label', 'GST', '--rate', '0', '--note', 'GST-free.'],
  );
  expect(added).toMatchObject({ code: 0, stderr: '' });
  expect(await cli('tax', 'registration', 'unregistered', '--from', '2026-07')).toMatchObject({
    code: 0,
  });
  const { stdout } = await cli('tax', 'list');
  expect(stdout).toMatch(/gst +GST +10%/);
  expect(stdout).toMatch(/nz-export +GST +0% +GST-free\./);
  expect(stdout).toContain('The seller is not registered for GST from 2026-07 on.');

  const rate = ['USD', 'AUD', '2026-05', '1.5321', '--source', 'RBA'];
  expect(await cli('exchange-rates', 'add', ...rate)).toMatchObject({ code: 0 });
  expect((await cli('exchange-rates', 'list')).stdout).toMatch(/2026-05 +USD +AUD +1\.5321 +RBA/);
  const other = rate.with(3, '1.6');
  const refused = await cli('exchange-rates', 'add', ...other);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('already recorded as 1.5321');
  const replaced = await cli('--json', 'exchange-rates', 'add', ...other, '--replace');
  expect(JSON.parse(replaced.stdout)).toEqual({
    changes: [{ what: 'exchange rates', created: 0, corrected: 1, unchanged: 0 }],
    warnings: [],
  });
});

test.each([
  [['tax', 'add', 'x', '--label', 'GST', '--rate', '10'], 'did you mean "0.10"?'],
  [['tax', 'assign', 'nobody', 'gst', '--from', '2026-05'], 'there is no tenant nobody'],
  [['tax', 'registration', 'maybe', '--from', '2026-05'], 'neither registered nor unregistered'],
  [['exchange-rates', 'add', 'USD', 'AUD', '2026-05', '0', '--source', 'x'], 'above 0'],
])('%j is refused', async (args, words) => {
  const refused = await cli(...args);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain(words);
});
