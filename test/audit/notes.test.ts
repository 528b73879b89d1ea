import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { previewMonth, type TenantPreview } from '../../src/audit/preview.ts';
import { verifyMonth } from '../../src/audit/verify.ts';
import { listEventsBehind, readLineUsage } from '../../src/db/usage/provenance.ts';
import { DEFAULT_BOUNDS } from '../../src/domain/bounds.ts';
import { excludeEvent } from '../../src/ingestion/exclude-event.ts';
import { expectSoundBooks, invoicesOf, linesOf, notesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices, settleInvoice } from '../_util/build.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { MONTH, seedCatalogue, seedTenant, seedUsage } from '../_util/seed.ts';

/** What is shown of adjustment notes: the preview of one, and the usage behind its lines. */

let world: LedgerWorld;
beforeAll(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
});
afterAll(async () => {
  const { checks } = await verifyMonth(world.db, MONTH);
  // The invoices were built without a run, which records requests.
  expect(checks.filter(({ problems }) => problems > 0)).toEqual([]);
  await expectSoundBooks(world.db);
  await world[Symbol.asyncDispose]();
});

let lastTenant = 0;
/** A tenant whose invoice is settled, with these LLM charges. */
async function settled(...charges: readonly string[]) {
  const tenantId = `tenant-${(lastTenant += 1)}`;
  await seedTenant(world.db, tenantId);
  const events: string[] = [];
  for (const amount of charges) events.push(await use(tenantId, 'llm_usage', amount));
  await use(tenantId, 'llm_tokens', '1500000');
  await buildInvoices(world, [tenantId]);
  const [invoice] = await invoicesOf(world.db, tenantId);
  await settleInvoice(world, invoice!);
  return { tenantId, invoice: invoice!, events };
}
const use = (tenantId: string, kind: string, amount: string) =>
  seedUsage(world.db, { tenantId, deploymentId: `${tenantId}-a`, kind, amount });
const exclude = (eventId: string, source: 'llm' | 'metered' = 'llm') =>
  excludeEvent(world.db, { source, eventId, actor: 'olga', reason: 'wrong' });

async function preview(tenantId: string): Promise<TenantPreview> {
  const found: TenantPreview[] = [];
  const onTenant = (one: TenantPreview) => found.push(one);
  await previewMonth(world.db, MONTH, { tenantIds: [tenantId], bounds: DEFAULT_BOUNDS, onTenant });
  return found[0]!;
}

describe('the preview of a settled invoice', () => {
  test.each([
    ['late usage', (tenantId: string) => use(tenantId, 'llm_usage', '200')],
    [
      'usage of two kinds',
      async (tenantId: string) => {
        await use(tenantId, 'llm_usage', '0.2');
        await use(tenantId, 'llm_tokens', '1234567');
      },
    ],
    [
      'usage that changes no amount',
      async (tenantId: string) => {
        await use(tenantId, 'llm_tokens', '0.5');
      },
    ],
    [
      'an exclusion',
      async (_tenantId: string, [event]: readonly string[]) => {
        await exclude(event!);
      },
    ],
    [
      'an exclusion and usage of the same amount',
      async (tenantId: string, [event]: readonly string[]) => {
        await exclude(event!);
        await use(tenantId, 'llm_usage', '100');
      },
    ],
  ])('shows the adjustment note that a rerun then issues: %s', async (_what, change) => {
    const { tenantId, invoice, events } = await settled('100', '23.4');
    await change(tenantId, events);

    const { standing, preview: total } = await preview(tenantId);
    const shown = standing!.note!;
    await forceInvoices(world, [tenantId]);
    const [note] = await notesOf(world.db, tenantId);
    expect(shown).toMatchObject({
      subtotalCents: note!.subtotalCents,
      taxCents: note!.taxCents,
      totalCents: note!.totalCents,
    });
    expect(shown.lines.map(toText)).toEqual((await linesOf(world.db, note!.invoiceId)).map(toText));
    expect(total).toMatchObject({ totalCents: invoice.totalCents + note!.totalCents });
    // Afterwards nothing is left to adjust.
    expect((await preview(tenantId)).standing).toMatchObject({ changes: [], note: { lines: [] } });
  });
});

function toText({
  ...line
}: {
  readonly lineNo: number;
  readonly description: string;
  readonly qty: string;
  readonly amountCents: number;
  readonly meta: object;
}) {
  return `${line.lineNo} ${line.description} ${line.qty} ${line.amountCents} ${JSON.stringify(line.meta, Object.keys(line.meta).sort())}`;
}

describe("the usage behind an adjustment note's line", () => {
  test('is what the note took, and what it takes back from earlier documents', async () => {
    const { tenantId, events } = await settled('100', '23.4');
    const late = await use(tenantId, 'llm_usage', '50');
    await exclude(events[0]!);
    await forceInvoices(world, [tenantId]);
    const [note] = await notesOf(world.db, tenantId);

    expect(await readLineUsage(world.db, note!.invoiceId, 1)).toMatchObject({
      ...{ number: note!.number, description: 'LLM usage', source: 'llm', amount_cents: -50 },
      ...{ events: 1, excluded_events: 1, exact_sum: '-50' },
    });
    const behind = await listEventsBehind(world.db, note!.invoiceId, 1, { after: null, limit: 10 });
    expect(behind.map(({ event_id, amount, excluded }) => [event_id, amount, excluded])).toEqual([
      [events[0], '0', '100'],
      [late, '50', '0'],
    ]);
    const [first] = behind;
    const next = { after: first!.event_id, limit: 10 };
    expect(await listEventsBehind(world.db, note!.invoiceId, 1, next)).toEqual(behind.slice(1));
    // The invoice still says what it said.
    const [invoice] = await invoicesOf(world.db, tenantId);
    expect(await readLineUsage(world.db, invoice!.invoiceId, 3)).toMatchObject({
      ...{ events: 2, excluded_events: 0, exact_sum: '123.4' },
    });
  });

  test('of overage is the difference of the quantity', async () => {
    const { tenantId } = await settled();
    const record = await use(tenantId, 'llm_tokens', '500000');
    await forceInvoices(world, [tenantId]);
    await exclude(record, 'metered');
    await forceInvoices(world, [tenantId]);

    const [more, less] = await notesOf(world.db, tenantId);
    expect(await readLineUsage(world.db, more!.invoiceId, 1)).toMatchObject({
      ...{ source: 'metered', unit: 'llm_tokens', events: 1, exact_sum: '500000' },
    });
    expect(await readLineUsage(world.db, less!.invoiceId, 1)).toMatchObject({
      ...{ source: 'metered', events: 1, excluded_events: 1, exact_sum: '-500000' },
    });
    const behind = await listEventsBehind(world.db, less!.invoiceId, 1, { after: null, limit: 10 });
    expect(behind).toMatchObject([
      { event_id: record, amount: '0', excluded: '500000', is_excluded: true },
    ]);
  });
});
