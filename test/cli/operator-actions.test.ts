import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import {
  listOperatorActions,
  type OperatorAction,
} from '../../src/db/month-end/operator-actions.ts';
import type { Database } from '../../src/db/pool.ts';
import type { TestDatabase } from '../_util/database.ts';
import { openTestDatabase } from '../_util/open-test-database.ts';
import { claimNamespace } from '../_util/temporal.ts';
import { IN_A_HURRY, runCli } from './_run-cli.ts';

/** Files whose entries are all rejected, each by itself. */
const IMPORTS = mkdtempSync(join(tmpdir(), 'arcadia-imports-'));
writeFileSync(
  join(IMPORTS, 'items.csv'),
  'item_id,tenant_id,month,description,amount_cents\nx,nobody,2026-05,x,100\n',
);
writeFileSync(
  join(IMPORTS, 'payments.csv'),
  'date,amount,invoice_number\n2026-06-12,1.00,nobody-000001\n',
);

let db: Database;
let testDatabase: TestDatabase;
let close: () => Promise<void>;
let env: Record<string, string>;
let folder: string;
beforeAll(async () => {
  ({ testDatabase, db, close } = await openTestDatabase('appUrl', 2));
  const { address, namespace } = await claimNamespace();
  env = {
    DATABASE_URL: testDatabase.appUrl,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    SIGNING_MASTER_SECRETS: 'm'.repeat(32),
  };
  folder = mkdtempSync(join(tmpdir(), 'arcadia-actions-'));
});
afterAll(async () => {
  await close();
  for (const each of [folder, IMPORTS]) rmSync(each, { recursive: true, force: true });
});

const ID = crypto.randomUUID();

/** Commands that change nothing of ours, or that aren't an operator's. */
const NOT_ON_RECORD = new Set([
  // Where it runs, the table may not be there yet.
  'migrate',
  'doctor',
  'audit.list',
  'control-totals.list',
  'control-totals.compare',
  'keys.list',
  'plans.list',
  'plans.show',
  'tenants.list',
  'tenants.show',
  'subscriptions.list',
  'subscriptions.show',
  'seller.show',
  'tax.list',
  'tax.assignments',
  'exchange-rates.list',
  'settings.show',
  'schedule.describe',
  'month-end.status',
  'month-end.preview',
  'month-end.late-usage',
  'month-end.verify',
  'invoices.list',
  'items.list',
  'payments.list',
  'payments.balances',
  'payments.aging',
  'thresholds.list',
  'invoices.show',
  'invoices.compare',
  'invoices.diff',
  'quarantine.list',
  'quarantine.show',
  'invoices.usage',
  'notes.list',
  'notes.show',
  'usage.current',
  'usage.exclusions',
  'webhooks.list',
  'webhooks.log',
  // It posts to the API, as the gateway and with the gateway's key.
  'usage.replay',
  // The same; with an operator's key the API puts it on record.
  'usage.send',
  // It only reads.
  'usage.reconcile',
]);

/** Every other command: how to call it, and what of it has to be on record. */
const ON_RECORD: Readonly<Record<string, readonly [string[], object]>> = {
  'catalogue.apply': [['demo/catalogue.json'], { outcome: 'done' }],
  'seller.apply': [['demo/seller.json'], { outcome: 'done' }],
  'subscriptions.apply': [['demo/subscriptions.json'], { outcome: 'done' }],
  'tax.apply': [['demo/tax.json'], { outcome: 'done' }],
  'tax.add': [
    ['low', '--label', 'VAT', '--rate', '0.05'],
    { outcome: 'done', input: { rate: '0.05' } },
  ],
  'tax.assign': [['no-such-tenant', 'gst', '--from', '2026-05'], { outcome: 'refused' }],
  'tax.registration': [['registered', '--from', '2026-05'], { outcome: 'done' }],
  'exchange-rates.add': [
    ['USD', 'AUD', '2026-05', '1.5321', '--source', 'RBA'],
    { outcome: 'done', input: { source: 'RBA' } },
  ],
  'settings.set': [
    ['--time-zone', 'Sydney'],
    {
      outcome: 'refused',
      input: { time_zone: 'Sydney' },
      detail: expect.stringContaining('Australia/Sydney'),
    },
  ],
  'keys.create': [
    ['--scope', 'gateway', '--label', 'on record', '--expires-in', '90d'],
    {
      outcome: 'done',
      target: {},
      input: { scope: 'gateway', label: 'on record', expires_in: 7_776_000_000 },
    },
  ],
  'keys.rotate': [[ID], { outcome: 'refused', target: { key_id: ID } }],
  'keys.revoke': [[ID], { outcome: 'refused' }],
  'keys.sign': [[ID], { outcome: 'refused' }],
  'keys.unsign': [[ID], { outcome: 'refused', target: { secret_id: ID } }],
  'schedule.pause': [['--reason', 'x'], { outcome: 'refused', input: { reason: 'x' } }],
  'schedule.apply': [['--hour', '7'], { outcome: 'done', input: { hour: 7, minute: 0 } }],
  'schedule.resume': [[], { outcome: 'done' }],
  'schedule.trigger': [[], { outcome: 'done' }],
  'schedule.backfill': [['2026-05'], { outcome: 'done', target: { month: '2026-05' } }],
  'workers.promote': [['1.2'], { outcome: 'refused', target: { build_id: '1.2' } }],
  'month-end.start': [
    ['2026-05'],
    { outcome: 'done', input: { request_id: expect.stringMatching(/^[\w-]{36}$/) } },
  ],
  'month-end.force': [
    ['2026-05', '--tenant', 'a', 'b', '--reason', 'x', '--request-id', 'mine'],
    { outcome: 'refused', input: { tenant: ['a', 'b'], reason: 'x', request_id: 'mine' } },
  ],
  'month-end.release': [
    ['2026-05', '--tenant', 'a', '--reason', 'x', '--request-id', 'mine', '--yes'],
    { outcome: 'refused', input: { tenant: ['a'], reason: 'x', request_id: 'mine' } },
  ],
  'month-end.export': [
    ['2026-05', '--again', '7'],
    { outcome: 'refused', target: { month: '2026-05' }, detail: '2026-05 has no export 7' },
  ],
  'items.add': [
    ['x', '--tenant', 'nobody', '--month', '2026-05', '--amount', '1.00', '--description', 'x'],
    { outcome: 'refused', target: { item: 'x' }, input: { tenant: 'nobody', amount: '1.00' } },
  ],
  'items.import': [
    [join(IMPORTS, 'items.csv')],
    { outcome: 'done', input: { file_name: 'items.csv' } },
  ],
  'items.withdraw': [['no-such-item', '--reason', 'x'], { outcome: 'refused' }],
  'quarantine.release': [
    ['--tenant', 'nobody', '--as-tenant', 'acme', '--reason', 'x'],
    { outcome: 'done', input: { tenant: 'nobody', as_tenant: 'acme', reason: 'x' } },
  ],
  'quarantine.dismiss': [
    ['7', '8', '--reason', 'x', '--yes'],
    { outcome: 'done', target: { events: [7, 8] }, input: { reason: 'x', yes: true } },
  ],
  'payments.record': [
    ['no-such-invoice', '--amount', '1.00', '--received-on', '2026-06-12', '--payment-id', 'x'],
    { outcome: 'refused', target: { invoice: 'no-such-invoice' } },
  ],
  'payments.import': [
    [join(IMPORTS, 'payments.csv')],
    { outcome: 'done', input: { file_name: 'payments.csv' } },
  ],
  'control-totals.accept': [
    ['2026-05', '--tenant', 'nobody', '--reason', 'x'],
    { outcome: 'refused', target: { month: '2026-05' }, input: { tenant: 'nobody', reason: 'x' } },
  ],
  'thresholds.set': [
    ['nobody', 'warning', '--amount', '1.00'],
    {
      outcome: 'refused',
      target: { tenant: 'nobody', threshold: 'warning' },
      input: { amount: '1.00' },
    },
  ],
  'thresholds.remove': [['nobody', 'warning'], { outcome: 'refused' }],
  'invoices.void': [
    ['no-such-invoice', '--reason', 'x', '--yes'],
    {
      outcome: 'refused',
      status: 1,
      detail: 'There is no invoice no-such-invoice',
      actor: expect.stringMatching(/^cli/),
      channel: 'cli',
      key_id: null,
      input: { reason: 'x', yes: true },
    },
  ],
  'invoices.credit': [
    ['no-such-invoice', '--line', '3', '--amount', '12.50', '--reason', 'x', '--yes'],
    {
      ...{ outcome: 'refused', status: 1, detail: 'There is no invoice no-such-invoice' },
      target: { document: 'no-such-invoice' },
      input: {
        ...{ line: 3, amount: '12.50', reason: 'x', yes: true },
        request_id: expect.stringMatching(/^[\w-]{36}$/),
      },
    },
  ],
  'invoices.check-list': [
    ['demo/seller.json', '--skip-lost', '--reason', 'x'],
    {
      outcome: 'refused',
      target: { file: 'demo/seller.json' },
      input: { skip_lost: true, reason: 'x' },
    },
  ],
  'webhooks.add': [
    ['https://billing.example.com/hooks', '--event-types', 'run.finished', '--label', 'billing'],
    {
      outcome: 'done',
      target: { url: 'https://billing.example.com/hooks' },
      input: { event_types: ['run.finished'], label: 'billing' },
    },
  ],
  'webhooks.disable': [[ID], { outcome: 'refused', target: { endpoint_id: ID } }],
  'webhooks.rotate-secret': [[ID], { outcome: 'refused' }],
  'webhooks.replay': [[ID], { outcome: 'refused', target: { event_id: ID } }],
  'webhooks.prune': [[], { outcome: 'done', input: { older_than: 7_776_000_000 } }],
  'usage.exclude': [['nobody', '--source', 'llm', '--reason', 'x'], { outcome: 'refused' }],
  'usage.archive': [['--before', '2020-01'], { outcome: 'done', input: { before: '2020-01' } }],
  'usage.expire': [
    ['--before', '2199-01'],
    {
      outcome: 'refused',
      input: { before: '2199-01' },
      detail: expect.stringMatching(/: USAGE_RETENTION_MONTHS keeps 84 full months$/),
    },
  ],
};

function leavesOf(command: Command, path: readonly string[] = []): readonly string[] {
  if (command.commands.length === 0) return [path.join('.')];
  return command.commands.flatMap((child) => leavesOf(child, [...path, child.name()]));
}

test('every command is on record, or said not to be', async () => {
  expect([...leavesOf(await createProgram())].sort()).toEqual(
    [...Object.keys(ON_RECORD), ...NOT_ON_RECORD].sort(),
  );
});

async function list(...args: string[]): Promise<readonly OperatorAction[]> {
  const { stdout } = await runCli(['audit', 'list', '--json', ...args], env);
  return JSON.parse(stdout) as readonly OperatorAction[];
}

describe('on record', () => {
  // One after the other: the Schedule has to be there before it can be resumed.
  test.each(Object.entries(ON_RECORD))('%s', async (name, [args, expected]) => {
    await runCli([...name.split('.'), ...args], env);
    const [row] = await listOperatorActions(db, {}, { after: null, limit: 1 });
    expect(row).toMatchObject({ action: name, ...expected });
    if (row?.outcome === 'done') expect(row).toMatchObject({ status: 0, detail: null });
  });

  test('nothing else, and no secret', async () => {
    const rows = await list();
    expect(rows.map(({ action }) => action)).toEqual(Object.keys(ON_RECORD).reverse());
    expect(JSON.stringify(rows)).not.toMatch(/arc_gateway_|whsec_|mmmm/);
  });

  test('a file by its digest, and a mistake in it as a refusal', async () => {
    const [applied] = await list('--action', 'catalogue.apply');
    const sha256 = createHash('sha256').update(readFileSync('demo/catalogue.json')).digest('hex');
    expect(applied).toMatchObject({
      input: { file_name: 'catalogue.json', file_sha256: sha256 },
    });
    const path = join(folder, 'bad.json');
    writeFileSync(path, '{"plans": 1}');
    expect((await runCli(['catalogue', 'apply', path], env)).code).toBe(1);
    const [refused] = await list('--action', 'catalogue.apply', '--limit', '1');
    expect(refused).toMatchObject({
      outcome: 'refused',
      detail: expect.stringContaining('bad.json has an error'),
    });
  });

  test('a failure', async () => {
    const unreachable = { ...env, ...IN_A_HURRY, TEMPORAL_ADDRESS: '127.0.0.1:1' };
    expect((await runCli(['schedule', 'trigger'], unreachable)).code).toBe(1);
    const [failed] = await list('--action', 'schedule.trigger', '--limit', '1');
    expect(failed).toMatchObject({ outcome: 'failed', status: 1 });
  });

  test('as a table', async () => {
    const { stdout } = await runCli(['audit', 'list', '--action', 'invoices.void'], env);
    expect(stdout).toMatch(
      /invoices\.void +\{"invoice":"no-such-invoice"\} +x +refused +There is no/,
    );
  });
});

test('what cannot be put on record is not done', async () => {
  const DATABASE_URL = 'postgres://app:x@127.0.0.1:1/arcadia';
  const nowhere = { ...env, ...IN_A_HURRY, DATABASE_URL };
  expect((await runCli(['schedule', 'pause', '--reason', 'unseen'], nowhere)).code).toBe(1);
  const { stdout } = await runCli(['schedule', 'describe', '--json'], env);
  expect(stdout).toContain('"paused": false');
});

test('keys: made, rotated, made to sign, listed', async () => {
  const json = async (...args: string[]) => {
    const { stdout, stderr } = await runCli(['keys', ...args, '--json'], env);
    expect(stderr).toBe('');
    return JSON.parse(stdout) as never;
  };
  const expiresAt = '2199-01-01T00:00:00Z';
  const made: { key_id: string; key: string; expires_at: string } = await json(
    ...['create', '--scope', 'metering', '--label', 'meters', '--expires-at', expiresAt],
  );
  expect(made).toMatchObject({
    key: expect.stringMatching(/^arc_metering_/),
    expires_at: expiresAt,
  });
  const signed: { secret_id: string } = await json('sign', made.key_id);
  expect(signed).toMatchObject({ secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) });

  const rotated: { key_id: string; signing_secret: { secret_id: string } } = await json(
    ...['rotate', made.key_id, '--overlap', '2d', '--expires-in', '365d'],
  );
  expect(rotated).toMatchObject({
    key: expect.stringMatching(/^arc_metering_/),
    signing_secret: { secret: expect.stringMatching(/^whsec_/) },
    replaces: { key_id: made.key_id },
  });
  const keys: readonly { key_id: string }[] = await json('list');
  const find = (keyId: string) => keys.find((key) => key.key_id === keyId);
  expect(find(made.key_id)).toMatchObject({
    state: 'expiring',
    replaced_by_key_id: rotated.key_id,
    signing_secret_ids: [signed.secret_id],
  });
  expect(find(rotated.key_id)).toMatchObject({
    state: 'live',
    replaces_key_id: made.key_id,
    last_used_at: null,
    signing_secret_ids: [rotated.signing_secret.secret_id],
  });

  const again = await runCli(['keys', 'rotate', made.key_id], env);
  expect(again).toMatchObject({
    code: 1,
    stderr: `Key ${made.key_id} was rotated before: rotate ${rotated.key_id}\n`,
  });
  const blind = await runCli(['keys', 'sign', rotated.key_id], {
    ...env,
    SIGNING_MASTER_SECRETS: '',
  });
  expect(blind.stderr).toContain(
    'SIGNING_MASTER_SECRETS is missing. Set it to the same value as for the API',
  );
  const short = await runCli(['keys', 'sign', rotated.key_id], {
    ...env,
    SIGNING_MASTER_SECRETS: 'short',
  });
  expect(short.stderr).toContain('expected secrets of 32 characters or more');
  expect(await json('unsign', signed.secret_id)).toMatchObject({
    key_id: made.key_id,
    live_secrets: 0,
  });
  const table = await runCli(['keys', 'list'], env);
  expect(table.stdout).toMatch(new RegExp(`${made.key_id} +metering +meters +expiring `));
});
