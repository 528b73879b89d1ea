import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { printedBy } from './_printed-by.ts';
import { runCli } from './_run-cli.ts';

/** An id that nothing has. */
const UNKNOWN = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';

let world: LedgerWorld;
let poison: string;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'beta']) {
    await seedTenant(world.db, tenantId);
    await use(tenantId, 'llm_usage', '12.5');
  }
  await buildInvoices(world, ['acme', 'beta']);
  await use('acme', 'llm_usage', '30');
  await forceInvoices(world, ['acme']);
  await use('acme', 'llm_tokens', '3000000');
  poison = await use('beta', 'llm_usage', '77');
});
afterAll(() => world[Symbol.asyncDispose]());

const use = (tenantId: string, kind: string, amount: string, month = MONTH) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount, month });
const environment = () => ({ DATABASE_URL: world.testDatabase.appUrl });
const cli = (...args: string[]) => runCli(args, environment());

/** What a command says, when it succeeds. */
const say = (...args: string[]) => printedBy(args, environment());

test('preview: shows every tenant, its live invoice, and what would change', async () => {
  const text = await say('month-end', 'preview', MONTH, '--lines');
  expect(text).toMatch(/acme\s+77\.47\s+55\.47\s+22\.00\s+2/);
  expect(text).toMatch(/\+\s+acme-a\s+LLM tokens overage\s+2,000 × 1,000 tokens\s+20\.00/);
  expect(text).toContain('Nothing was written.');
  const { tenants } = JSON.parse(await say('month-end', 'preview', MONTH, '--json')) as {
    tenants: unknown[];
  };
  expect(tenants).toMatchObject([
    { tenant_id: 'acme', total_cents: 7747, standing: { total_cents: 5547, changed_lines: 2 } },
    { tenant_id: 'beta' },
  ]);
});

test.each([
  [['month-end', 'preview', MONTH, '--tenant', 'acme', 'nobody'], 'There is no tenant nobody\n'],
  [
    ['month-end', 'force', MONTH, '--tenant', 'nobody', 'none', '--reason', 'x'],
    'There is no tenant nobody, none\n',
  ],
  [['invoices', 'list', '--tenant', 'nobody'], 'There is no tenant nobody\n'],
  [['webhooks', 'log', '--endpoint', UNKNOWN], `There is no webhook endpoint ${UNKNOWN}\n`],
  [['webhooks', 'log', '--event', UNKNOWN], `There is no webhook event ${UNKNOWN}\n`],
  [['webhooks', 'replay', UNKNOWN], `There is no webhook event ${UNKNOWN}\n`],
])('%j names what does not exist: exit code 1', async (args, stderr) => {
  expect(await cli(...args)).toMatchObject({ code: 1, stdout: '', stderr });
});

test('preview of a tenant that is not due says so', async () => {
  await seedTenant(world.db, 'early', [
    { deploymentId: 'early-a', startsAt: '2026-07-01T00:00:00Z' },
  ]);
  expect(await say('month-end', 'preview', MONTH, '--tenant', 'early')).toContain(
    `early is not due for ${MONTH}: none of its subscriptions touches the month`,
  );
});

test('late-usage: by tenant and reason, with the amount and the command', async () => {
  const text = await say('month-end', 'late-usage', MONTH);
  expect(text).toMatch(
    /acme\s+acme\s+needs re run\s+acme-000002\s+\+22\.00\s+AUD\s+acme-a: 3,000,000 llm_tokens/,
  );
  expect(text).toContain('\n  npm run cli -- month-end force 2026-05 --tenant acme --reason');
  expect(text).toMatch(/beta, next invoice: Nothing/);
  expect(await say('month-end', 'late-usage', '2026-01')).toContain(
    'All usage of 2026-01 is billed, or will be.',
  );
});

test('invoices diff: line by line; a first invoice replaced none', async () => {
  const text = await say('invoices', 'diff', 'acme-000002');
  expect(text).toMatch(/^acme-000002 replaces acme-000001 · .*AUD 55\.14 → 55\.47\n\n/);
  expect(text).toMatch(/~\s+acme-a\s+LLM usage\s+1 request\s+2 requests\s+0\.13\s+0\.43\s+0\.30/);
  const first = await cli('invoices', 'diff', 'acme-000001');
  expect(first).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('it did not replace another'),
  });
});

test('invoices show: the links by their numbers, either way', async () => {
  expect(await say('invoices', 'show', 'acme-000002')).toMatch(/^replaces acme-000001\b/m);
  expect(await say('invoices', 'show', 'acme-000001')).toMatch(/^superseded by acme-000002$/m);
});

test('invoices usage: the events of a line, as text and as CSV', async () => {
  const text = await say('invoices', 'usage', 'acme-000002', '--line', '2');
  expect(text).toContain('2 events, exactly AUD 0.425');
  expect(text).toMatch(/digest [0-9a-f]{64}/);
  const csv = await say('invoices', 'usage', 'acme-000002', '--line', '2', '--csv');
  expect(parse(csv, { columns: true })).toMatchObject([{ amount: '12.5' }, { amount: '30' }]);
  const none = await cli('invoices', 'usage', 'acme-000002', '--line', '1');
  expect(none).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has no LLM usage or overage line 1'),
  });
});

test('usage exclude and exclusions', async () => {
  const exclude = ['usage', 'exclude', poison, '--source', 'llm', '--reason', 'priced twice'];
  expect(await say(...exclude)).toContain(
    'Excluded from billing: AUD 0.77.\nNo invoice bills this event.',
  );
  const again = exclude.with(-1, 'for another reason');
  expect(await say(...again)).toMatch(
    /was already excluded.*; the first reason stays: priced twice/,
  );
  expect(await say('usage', 'exclusions', MONTH)).toMatch(/beta\s+llm_usage\s+AUD 0\.77/);
  const unknown = await cli('usage', 'exclude', 'nobody', '--source', 'llm', '--reason', 'x');
  expect(unknown).toMatchObject({ code: 1, stderr: 'There is no accepted llm event nobody\n' });
});

test('an excluded event that a later month bills: that month is to be re-run', async () => {
  await seedTenant(world.db, 'dora');
  const late = await use('dora', 'llm_usage', '7', '2026-01');
  await buildInvoices(world, ['dora'], { month: '2026-03' });
  const exclude = ['usage', 'exclude', late, '--source', 'llm', '--reason', 'priced twice'];
  expect(await say(...exclude)).toContain(
    "  npm run cli -- month-end force 2026-03 --tenant dora --reason 'priced twice'\n",
  );
});

test.each([
  ['usage', 'exclude', 'some-event', '--source', 'llm'],
  ['invoices', 'void', 'beta-000001'],
  ['month-end', 'force', MONTH, '--all'],
])('%s %s with an empty reason: exit code 2, and nothing is done', async (...command) => {
  for (const reason of [' ', 'a\nb']) {
    const { code, stderr } = await cli(...command, '--reason', reason);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('expected 1 to 1000 characters'),
    });
  }
});

test('invoices void: refused once there is a payment', async () => {
  await pay(world.db, 'beta-000001', 1);
  const voided = await cli('invoices', 'void', 'beta-000001', '--reason', 'x', '--yes');
  expect(voided).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Invoice beta-000001 is settled, because it has a payment /),
  });
  expect(await cli('invoices', 'void', 'acme-000001')).toMatchObject({ code: 2 });
});

describe('verify', () => {
  test('says that everything holds', async () => {
    const text = await say('month-end', 'verify', MONTH);
    expect(text).toMatch(/^2026-05: 3 invoices with \d+ lines; 4 LLM events of exactly AUD 1\.32,/);
    expect(text).toContain('All checks passed.');
    expect(text).not.toContain('WRONG');
  });

  test('exits with 3 where something is wrong, and names it', async () => {
    // As a superuser, to a month that only this test reads.
    await seedTenant(world.db, 'ciao');
    await buildInvoices(world, ['ciao'], { month: '2026-02' });
    const { asSuperuser } = await import('../../dev/postgres-roles.ts');
    await asSuperuser(world.testDatabase.superuserUrl, (client) =>
      client.query(`ALTER TABLE invoice_lines DISABLE TRIGGER USER;
        UPDATE invoice_lines SET amount_cents = 4999
          WHERE kind = 'plan_base' AND invoice_id IN (SELECT invoice_id FROM invoices WHERE tenant_id = 'ciao');
        ALTER TABLE invoice_lines ENABLE TRIGGER USER`),
    );
    const { code, stdout } = await cli('month-end', 'verify', '2026-02');
    expect(code).toBe(3);
    expect(stdout).toContain(
      'invoice ciao-000001, ciao-a, Plan base: has AUD 49.99, recomputed AUD 50.00',
    );
    expect(stdout).toMatch(/\d of \d+ checks failed/);
  });
});

test.each([
  ['month-end', 'preview'],
  ['month-end', 'late-usage'],
  ['month-end', 'verify'],
  ['month-end', 'force'],
  ['invoices', 'diff'],
  ['invoices', 'usage'],
  ['invoices', 'void'],
  ['usage', 'exclude'],
  ['usage', 'exclusions'],
])('%s %s --help has an example', async (...command) => {
  expect(await say(...command, '--help')).toMatch(/Examples?:\n {2}npm run cli -- /);
});
