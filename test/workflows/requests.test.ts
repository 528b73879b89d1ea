import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { monthEndId, tenantInvoiceId } from '../../src/contracts/ids.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { requestMonthEnd } from '../../src/temporal/month-end-client.ts';
import { expectSoundBooks, invoicesOf, notesOf } from '../_util/books.ts';
import { settleInvoice } from '../_util/build.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';
import { until } from '../_util/until.ts';
import { closed, createWorld, monthEndHandle, progressOf, type World } from '../_util/world.ts';

/** Sends a signal as the Web UI does, with any name and any encoding. */
async function sendRaw(
  world: World,
  name: string,
  encoding: string | null,
  data = '',
): Promise<void> {
  const payload = {
    metadata: { encoding: Buffer.from(encoding ?? ''), messageType: Buffer.from('x.Y') },
    data: Buffer.from(data),
  };
  await world.client.workflowService.signalWorkflowExecution({
    namespace: world.client.options.namespace,
    workflowExecution: { workflowId: monthEndId(MONTH) },
    signalName: name,
    ...(encoding !== null && { input: { payloads: [payload] } }),
  });
}

/** Waits until the workflow has refused a signal with a matching reason. */
function refused(world: World, reason: RegExp) {
  return until(
    () => progressOf(world, MONTH),
    ({ refusals, state }) => state === 'open' && refusals.some((r) => reason.test(r.reason)),
  );
}

describe('requests by signal', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
    await seedCatalogue(world.db);
    await seedTenant(world.db, 'acme');
    await seedTenant(world.db, 'globex');
    await seedTenant(world.db, 'gone', [
      { deploymentId: 'gone-a', endsAt: '2026-05-01T00:00:00Z' },
    ]);
    await world.startWorker();
    await requestMonthEnd(world.client, { month: MONTH, requestId: 'first', actor: 'test' });
    await closed(world, MONTH);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const acmeRevisions = async () => (await invoicesOf(world.db, 'acme')).length;

  test.each([
    ['without a payload', 'forceReRun', null, '', /payload is not valid/],
    ['that is not an object', 'forceReRun', 'json/plain', '"acme"', /payload is not valid/],
    ['without a reason', 'forceReRun', 'json/plain', '{"tenantIds":["acme"]}', /reason/],
    [
      'with an empty list',
      'forceReRun',
      'json/plain',
      '{"tenantIds":[],"reason":"x"}',
      /tenantIds/,
    ],
    [
      'with neither list nor all',
      'forceReRun',
      'json/plain',
      '{"reason":"x"}',
      /either "tenantIds" or "all"/,
    ],
    [
      'with both',
      'forceReRun',
      'json/plain',
      '{"reason":"x","all":true,"tenantIds":["acme"]}',
      /either/,
    ],
    [
      'with a misspelt field',
      'forceReRun',
      'json/plain',
      '{"tenantId":["acme"],"reason":"x"}',
      /tenantId/,
    ],
    ['with broken JSON', 'forceReRun', 'json/plain', '{"tenantIds":', /can't be decoded/],
    [
      'with a field twice',
      'forceReRun',
      'json/plain',
      '{"tenantIds":["acme"],"reason":"x","tenantIds":["zeta"]}',
      /\/tenantIds: this name appears twice/,
    ],
    [
      'as json/protobuf',
      'forceReRun',
      'json/protobuf',
      '{"tenantIds":["acme"],"reason":"x"}',
      /can't be decoded/,
    ],
    ['in no known encoding', 'forceReRun', 'application/x-pickle', 'x', /can't be decoded/],
    [
      'with a mistyped name',
      'forceRerun',
      'json/plain',
      '{"all":true,"reason":"x"}',
      /unknown signal/,
    ],
    [
      'with a character that no text can hold',
      'forceReRun',
      'json/plain',
      '{"tenantIds":["acme"],"reason":"pasted\\u0000text"}',
      /control characters/,
    ],
    [
      'that is huge',
      'forceReRun',
      'json/plain',
      JSON.stringify({ tenantIds: ['acme'], reason: 'x', ['k'.repeat(900_000)]: 1 }),
      /not valid/,
    ],
    ['with a bad ordinary payload', 'run', 'json/plain', '{"month":"2026-04"}', /month/],
  ])(
    'a signal %s is refused visibly, and the next good one works',
    async (_, name, encoding, data, reason) => {
      const before = await acmeRevisions();

      await sendRaw(world, name, encoding, data);

      const progress = await refused(world, reason);
      expect(progress.refusals.at(-1)).toMatchObject({ signal: name });
      const details = await currentDetails(world);
      expect(details).toMatch(/closed, open for corrections until .* UTC/);
      expect(details).toMatch(/Refused/);
      expect(await acmeRevisions()).toBe(before);
      await sendRaw(
        world,
        'forceReRun',
        'json/plain',
        '{"tenantIds":["acme"],"reason":"a good one"}',
      );
      await until(acmeRevisions, (revisions) => revisions === before + 1);
    },
  );

  test('the details escape Markdown in a signal', async () => {
    const name = '[click](https://evil.example) <b>';
    await sendRaw(
      world,
      'forceReRun',
      'json/plain',
      JSON.stringify({ tenantIds: ['acme'], reason: 'x', [name]: 1 }),
    );
    await refused(world, /click/);
    const details = await currentDetails(world);
    expect(details).toContain(
      String.raw`\[click\](https://evil.example) \<b>`.replaceAll('\\\\', '\\'),
    );
    expect(details).not.toContain(name);
  });

  test('accepts a run signal without a payload', async () => {
    await sendRaw(world, 'run', null);
    expect((await closed(world, MONTH)).totals).toEqual({
      rolled: 0,
      adjusted: 0,
      skipped: 2,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    });
  });

  test('forces all tenants at once', async () => {
    const before = await acmeRevisions();
    await sendRaw(world, 'forceReRun', 'json/plain', '{"all":true,"reason":"a new price list"}');
    const { totals } = await until(
      () => progressOf(world, MONTH),
      ({ state, totals }) => state === 'open' && totals?.rolled === 2,
    );
    expect(totals).toEqual({
      rolled: 2,
      adjusted: 0,
      skipped: 0,
      unchanged: 0,
      nothing_to_bill: 0,
      parked: 0,
    });
    expect(await acmeRevisions()).toBe(before + 1);
  });

  test('refuses a tenant that is not due and an unknown one, each with the reason', async () => {
    const before = await acmeRevisions();
    const payload = '{"tenantIds":["gone","nobody","acme"],"reason":"x"}';
    await sendRaw(world, 'forceReRun', 'json/plain', payload);
    await until(acmeRevisions, (revisions) => revisions === before + 1);
    const { refusals } = await closed(world, MONTH);
    expect(refusals.slice(-2).map(({ reason }) => reason)).toEqual([
      expect.stringMatching(
        /gone is not due for 2026-05: none of its subscriptions touches the month/,
      ),
      expect.stringMatching(/no tenant nobody/),
    ]);
  });

  test('the same request id makes one revision, and with different content is refused', async () => {
    const before = await acmeRevisions();
    const send = (reason: string) =>
      sendRaw(
        world,
        'forceReRun',
        'json/plain',
        JSON.stringify({ tenantIds: ['acme'], reason, requestId: 'once' }),
      );
    await Promise.all([send('a'), send('a'), send('a')]);
    await until(acmeRevisions, (revisions) => revisions === before + 1);
    await closed(world, MONTH);
    await send('a');
    await closed(world, MONTH);
    await send('another reason');
    await refused(world, /once was already used with different content/);
    expect(await acmeRevisions()).toBe(before + 1);
    await expectSoundBooks(world.db);
  });

  test('leaves a void invoice alone, unless it names the tenant: then the next revision replaces it', async () => {
    const [invoice] = (await invoicesOf(world.db, 'globex')).slice(-1);
    await voidInvoice(world.db, {
      invoiceId: invoice!.invoiceId,
      actor: 'olga',
      reason: 'wrong',
    });
    await sendRaw(world, 'forceReRun', 'json/plain', '{"all":true,"reason":"x"}');
    await closed(world, MONTH);
    expect((await invoicesOf(world.db, 'globex')).at(-1)).toEqual({ ...invoice, status: 'void' });
    await sendRaw(world, 'forceReRun', 'json/plain', '{"tenantIds":["globex"],"reason":"x"}');
    await closed(world, MONTH);
    expect((await invoicesOf(world.db, 'globex')).at(-1)).toMatchObject({
      status: 'issued',
      replacesInvoiceId: invoice!.invoiceId,
    });
  });

  test('issues an adjustment note of a settled invoice', async () => {
    const [invoice] = (await invoicesOf(world.db, 'acme')).slice(-1);
    await settleInvoice(world, invoice!);
    await seedUsage(world.db, {
      ...{ tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount: '200' },
    });
    await sendRaw(
      world,
      'forceReRun',
      'json/plain',
      '{"tenantIds":["acme"],"reason":"late usage"}',
    );

    const [note] = await until(
      () => notesOf(world.db, 'acme'),
      (notes) => notes.length > 0,
    );
    expect(note).toMatchObject({ number: 'acme-A000001', totalCents: 220, reason: 'late usage' });
    const { totals } = await closed(world, MONTH);
    expect(totals).toMatchObject({ adjusted: 1 });
    const details = await world.client.workflow
      .getHandle(tenantInvoiceId(MONTH, 'acme'))
      .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    expect(details.currentDetails).toContain(
      `adjusted, adjustment note id \`${note!.invoiceId}\`, of invoice id \`${invoice!.invoiceId}\``,
    );
  });

  // The seeded subscriptions start in January 2025.
  test.each([
    ['that is not over', new Date().toISOString().slice(0, 7), /is not over yet/],
    ['in the far future', '2171-01', /is not over yet/],
    [
      'before the first subscription',
      '2024-12',
      /first subscription, invoice or LLM usage is in 2025-01/,
    ],
    ['in the far past', '2000-01', /nothing to bill/],
    ['that is malformed', '2026-13', /2026-13/],
  ])('a month %s fails the workflow at once with the reason', async (_, month, reason) => {
    await requestMonthEnd(world.client, { month, requestId: 'bad', actor: 'test' });
    await expect(monthEndHandle(world, month).result()).rejects.toMatchObject({
      cause: { type: 'invalid_input', message: expect.stringMatching(reason) as string },
    });
  });

  test('closes the first month with a subscription', async () => {
    await requestMonthEnd(world.client, { month: '2025-01', requestId: 'first', actor: 'test' });
    expect((await closed(world, '2025-01')).totals).toMatchObject({ rolled: 3 });
  });
});

/** The workflow's current details, as the Web UI shows them. */
async function currentDetails(world: World): Promise<string | undefined> {
  const metadata = await monthEndHandle(world, MONTH).query<{ currentDetails?: string }>(
    '__temporal_workflow_metadata',
  );
  return metadata.currentDetails;
}
