import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listOperatorActions } from '../../src/db/month-end/operator-actions.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { runCli } from './_run-cli.ts';
import { startOnTerminal } from './_start-cli.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  for (const tenantId of ['acme', 'beta']) await seedTenant(world.db, tenantId);
  await buildInvoices(world, ['acme', 'beta']);
});
afterAll(() => world[Symbol.asyncDispose]());

const env = () => ({ DATABASE_URL: world.testDatabase.appUrl });
const VOID = ['invoices', 'void', 'acme-000001', '--reason', 'wrong company'];
const statusOf = async (tenantId: string) => (await invoicesOf(world.db, tenantId))[0]?.status;

/** Runs the command on a terminal and types an answer when it asks. */
async function answering(answer: string) {
  const { child, stdout, ended } = startOnTerminal(VOID, env(), 200);
  await until(
    () => Promise.resolve(stdout()),
    (said) => said.includes('[y/N]'),
  );
  child.stdin?.write(`${answer}\n`);
  const code = await ended;
  return { code, said: stdout().replaceAll('\r', '') };
}

describe('invoices void', () => {
  test('without a terminal needs --yes, and changes nothing', async () => {
    for (const more of [[], ['--json']]) {
      const { code, stderr } = await runCli([...VOID, ...more], env());
      expect(code).toBe(1);
      expect(stderr).toContain('asks for confirmation, and there is no terminal to ask on');
      expect(stderr).toContain('run it again with --yes');
    }
    expect(await statusOf('acme')).toBe('issued');
  });

  test('says what will happen, and changes nothing unless the answer is yes', async () => {
    for (const answer of ['', 'n', 'yesterday']) {
      const { code, said } = await answering(answer);
      expect(said).toContain(`Invoice acme-000001 of acme for ${MONTH}, AUD 55.00, is issued.`);
      expect(said).toContain('It becomes void, and nothing undoes that.');
      expect(said).toContain('Void acme-000001? [y/N]');
      expect(said).toContain('Not confirmed: nothing was changed');
      expect(code).toBe(1);
    }
    expect(await statusOf('acme')).toBe('issued');
    expect(await listOperatorActions(world.db, {}, { after: null, limit: 1 })).toEqual([]);
  });

  test('is done after a yes, and says how to bill the month again', async () => {
    const { code, said } = await answering('y');
    expect(said).toContain(`month-end force ${MONTH} --tenant acme --reason`);
    expect(code).toBe(0);
    expect(await statusOf('acme')).toBe('void');
  });

  test('with --yes does not ask; a repetition changes nothing', async () => {
    const again = await runCli([...VOID, '--yes', '--json'], env());
    expect(JSON.parse(again.stdout)).toMatchObject({ number: 'acme-000001', changed: false });
    const beta = VOID.map((word) => word.replace('acme', 'beta'));
    expect((await runCli([...beta, '--yes'], env())).stdout).toContain(
      'Invoice beta-000001 is void.',
    );
    expect(await statusOf('beta')).toBe('void');
  });
});
