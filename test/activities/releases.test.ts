import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createActivities } from '../../src/activities/create-activities.ts';
import { listInvoices } from '../../src/db/invoices/invoice-views.ts';
import { releaseInvoices } from '../../src/db/invoices/release.ts';
import { voidInvoice } from '../../src/db/invoices/void-invoice.ts';
import { readReview } from '../../src/db/month-end/review-facts.ts';
import { remindOfReviews } from '../../src/db/month-end/review-reminders.ts';
import { scopeToTenant } from '../../src/db/access/tenant-scope.ts';
import { openDatabase } from '../../src/db/pool.ts';
import { sql } from '../../src/db/sql.ts';
import { invoicesOf } from '../_util/books.ts';
import { acceptForce, buildInvoices, forceInvoices } from '../_util/build.ts';
import { ACTIVITY_DEPS, createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { pay } from '../_util/payments.ts';
import { release } from '../_util/releasing.ts';
import {
  MONTH,
  seedCatalogue,
  seedRequest,
  seedSeller,
  seedTenant,
  seedUsage,
} from '../_util/seed.ts';
import { periodOf } from '../_util/utc.ts';
import { outboxOf, register } from '../webhooks/_receiving.ts';

let world: LedgerWorld;
beforeEach(async () => {
  world = await createLedgerWorld();
  await seedCatalogue(world.db);
  await seedTenant(world.db, 'acme');
  await seedTenant(world.db, 'zeta');
});
afterEach(() => world[Symbol.asyncDispose]());

const review = () => seedSeller(world.db, { release: 'review', payment_days: 30 });
const build = (...tenantIds: readonly string[]) => buildInvoices(world, tenantIds);
const typesOf = async () =>
  (await outboxOf(world.db)).map(({ type, tenantId }) => `${type} ${tenantId}`);
const headersOf = (tenantId: string) =>
  listInvoices(world.db, { tenantId, includeSuperseded: true }, { after: null, limit: 10 });

const releaseRow = z.object({
  tenant: z.string(),
  actor: z.string(),
  reason: z.string(),
  requestId: z.string().nullable(),
});
const releasesOf = () =>
  world.db.any(sql.type(releaseRow)`
    SELECT tenant_id AS tenant, actor, reason, request_id AS "requestId" FROM releases ORDER BY tenant_id
  `);

/** What the tenant sees in the database. */
async function seenBy(tenantId: string): Promise<readonly string[]> {
  const url = world.testDatabase.apiUrl;
  const db = await openDatabase({ url, maxConnections: 1, applicationName: 'test-tenant' });
  try {
    return await scopeToTenant(db, tenantId).anyFirst(sql.type(z.object({ number: z.string() }))`
      SELECT number FROM invoices ORDER BY number
    `);
  } finally {
    await db.end();
  }
}

/** A date of the database, some days from today. */
const daysFromToday = (days: number) =>
  world.db.oneFirst(sql.type(z.object({ date: z.string() }))`
    SELECT billing_date(now()) + ${days}::int AS date
  `);

test.each([
  ['2026-06-01', '2026-06-01', '2026-06-15'],
  ['2026-06-01', '2026-06-03', '2026-06-17'],
  ['2026-06-20', '2026-06-03', '2026-07-04'],
  ['2026-06-20', null, null],
])(
  'issued on %s and released on %s with 14 payment days: due on %s',
  async (issued, released, due) => {
    // docs/spec.md#release, its worked example.
    expect(
      await world.db.oneFirst(sql.type(z.object({ due_on: z.string().nullable() }))`
      SELECT invoice_due_on(${issued}::date, ${released}::date, 14) AS due_on
    `),
    ).toBe(due);
  },
);

describe('immediate', () => {
  test('a first invoice releases its period as it is issued, and is due after the payment days', async () => {
    await seedSeller(world.db, { payment_days: 7 });
    await build('acme');
    expect(await releasesOf()).toEqual([
      {
        tenant: 'acme',
        actor: 'worker',
        reason: 'the seller releases invoices when they are issued',
        requestId: null,
      },
    ]);
    const [invoice] = await headersOf('acme');
    expect(invoice).toMatchObject({
      issued_on: await daysFromToday(0),
      due_on: await daysFromToday(7),
      released_at: expect.any(String),
    });
    expect(await seenBy('acme')).toEqual(['acme-000001']);
    expect(await seenBy('zeta')).toEqual([]);
  });

  test('is what installations without seller details do, with 14 days', async () => {
    await build('acme');
    expect((await headersOf('acme'))[0]?.due_on).toBe(await daysFromToday(14));
  });

  test('a revision keeps the release, and has the payment days of its own issue', async () => {
    await build('acme');
    await seedSeller(world.db, { payment_days: 3 });
    await forceInvoices(world, ['acme']);
    const [a, b] = await headersOf('acme');
    expect([a?.due_on, b?.due_on].sort()).toEqual(
      [await daysFromToday(3), await daysFromToday(14)].sort(),
    );
    expect(await releasesOf()).toHaveLength(1);
    expect(await seenBy('acme')).toHaveLength(2);
  });

  test('nothing waits, and releasing says that it was released before', async () => {
    await build('acme');
    expect(await readReview(world.db, periodOf(MONTH))).toEqual({
      waiting: 0,
      since: null,
      totals: [],
    });
    expect(await release(world.db, ['acme'])).toEqual({
      released: [],
      alreadyReleased: ['acme'],
      notReleased: [],
      waiting: 0,
    });
  });
});

describe('review', () => {
  test('an invoice is invisible to its tenant, has no due date and no webhook event until it is released', async () => {
    await register(world.db);
    await review();
    await build('acme', 'zeta');
    expect(await releasesOf()).toEqual([]);
    expect(await seenBy('acme')).toEqual([]);
    expect(await typesOf()).toEqual([]);
    expect((await headersOf('acme'))[0]).toMatchObject({ released_at: null, due_on: null });
    expect(await readReview(world.db, periodOf(MONTH))).toEqual({
      waiting: 2,
      since: expect.any(String),
      totals: [{ currency: 'AUD', invoices: 2, total_cents: '11000' }],
    });

    const [invoice] = await invoicesOf(world.db, 'acme');
    const due_on = await daysFromToday(30);
    expect(await release(world.db, ['acme'], { requestId: 'r-1' })).toEqual({
      released: [
        {
          tenant_id: 'acme',
          invoice_id: invoice!.invoiceId,
          number: 'acme-000001',
          currency: 'AUD',
          total_cents: 5500,
          due_on,
        },
      ],
      alreadyReleased: [],
      notReleased: [],
      waiting: 1,
    });
    expect(await releasesOf()).toEqual([
      { tenant: 'acme', actor: 'test', reason: 'reviewed', requestId: 'r-1' },
    ]);
    expect(await seenBy('acme')).toEqual(['acme-000001']);
    expect(await seenBy('zeta')).toEqual([]);
    expect((await headersOf('acme'))[0]).toMatchObject({ released_at: expect.any(String), due_on });
    expect(await typesOf()).toEqual(['invoice.issued acme', 'invoice.released acme']);
    const [, released] = await outboxOf(world.db);
    expect(released?.data).toMatchObject({
      invoice_id: invoice!.invoiceId,
      number: 'acme-000001',
      total_cents: 5500,
      due_on,
      released_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    });
  });

  test('the release announces the live revision, and later revisions announce themselves', async () => {
    await register(world.db);
    await review();
    await build('acme');
    await forceInvoices(world, ['acme']);
    expect(await typesOf()).toEqual([]);
    await release(world.db);
    expect(await typesOf()).toEqual(['invoice.issued acme', 'invoice.released acme']);
    expect((await outboxOf(world.db))[0]?.data).toMatchObject({ revision: 2 });
    expect(await seenBy('acme')).toEqual(['acme-000001', 'acme-000002']);

    await forceInvoices(world, ['acme']);
    expect(await typesOf()).toEqual([
      'invoice.issued acme',
      'invoice.issued acme',
      'invoice.released acme',
      'invoice.superseded acme',
    ]);
    expect(await seenBy('acme')).toHaveLength(3);
  });

  test('a change of the setting does not release what waits, nor hide what is released', async () => {
    await build('acme');
    await seedSeller(world.db, { release: 'review' });
    await build('zeta');
    await seedSeller(world.db, { release: 'immediate' }, 2);
    await forceInvoices(world, ['acme', 'zeta']);
    expect((await releasesOf()).map(({ tenant }) => tenant)).toEqual(['acme']);
    expect(await seenBy('acme')).toHaveLength(2);
    expect(await seenBy('zeta')).toEqual([]);
  });

  test('tenants without an invoice are named with the reason, and the others are released', async () => {
    await review();
    await seedTenant(world.db, 'broken', [{ deploymentId: 'broken-a', planVersionId: null }]);
    await seedTenant(world.db, 'idle');
    await build('acme', 'broken');
    const result = await release(world.db, ['acme', 'broken', 'idle', 'nobody', 'acme']);
    expect(result.released.map(({ tenant_id }) => tenant_id)).toEqual(['acme']);
    expect(result.notReleased).toEqual([
      {
        tenant_id: 'broken',
        reason: expect.stringMatching(/^tenant broken is parked: missing_plan_version: /) as string,
      },
      { tenant_id: 'idle', reason: 'tenant idle has no invoice for 2026-05' },
      { tenant_id: 'nobody', reason: 'there is no tenant nobody' },
    ]);
    // For all, the parked tenants are named.
    expect((await release(world.db)).notReleased).toEqual([
      { tenant_id: 'broken', reason: expect.stringContaining('is parked') as string },
    ]);
  });

  test('a void invoice is not released, but the next revision of its month is', async () => {
    await register(world.db);
    await review();
    await build('acme');
    const [first] = await invoicesOf(world.db, 'acme');
    const invoiceId = first!.invoiceId;
    await voidInvoice(world.db, { invoiceId, actor: 'test', reason: 'the wrong company' });
    expect(await release(world.db, ['acme'])).toEqual({
      released: [],
      alreadyReleased: [],
      notReleased: [
        { tenant_id: 'acme', reason: 'invoice acme-000001 is void: there is nothing to release' },
      ],
      waiting: 0,
    });
    await forceInvoices(world, ['acme']);
    expect((await release(world.db)).released).toMatchObject([{ number: 'acme-000002' }]);
    expect(await typesOf()).toEqual(['invoice.issued acme', 'invoice.released acme']);
    expect(await seenBy('acme')).toEqual(['acme-000001', 'acme-000002']);
  });

  test('what was paid and adjusted before the release is announced by it', async () => {
    await register(world.db);
    await review();
    await build('acme');
    await pay(world.db, 'acme-000001', 5500);
    await seedUsage(world.db, {
      ...{ tenantId: 'acme', deploymentId: 'acme-a', kind: 'llm_usage', amount: '100' },
    });
    await forceInvoices(world, ['acme']);
    await pay(world.db, 'acme-000001', 110);
    expect(await typesOf()).toEqual([]);
    await release(world.db);
    expect(await typesOf()).toEqual([
      'adjustment_note.issued acme',
      'invoice.issued acme',
      'invoice.paid acme',
      'invoice.released acme',
    ]);
  });

  test('the same request gives the same result, and does not release what was issued since', async () => {
    await register(world.db);
    await review();
    await build('acme');
    const first = await release(world.db, 'all', { requestId: 'r-1' });
    await build('zeta');
    expect(await release(world.db, 'all', { requestId: 'r-1' })).toEqual({ ...first, waiting: 1 });
    expect(await typesOf()).toEqual(['invoice.issued acme', 'invoice.released acme']);
    expect((await release(world.db)).released.map(({ tenant_id }) => tenant_id)).toEqual(['zeta']);
  });

  test.each([
    ['released another tenant', ['acme', 'zeta'], ['acme']],
    ['released nothing', ['zeta'], []],
    ['released nothing of all', 'all', []],
  ] as const)(
    'a request that %s does not release what was issued since, nor does its signal',
    async (_, scope, first) => {
      await register(world.db);
      await review();
      await build(...first);
      const request = { requestId: 'r-1' };
      const { released } = await release(world.db, scope, request);
      expect(released.map(({ tenant_id }) => tenant_id)).toEqual(first);
      await build('zeta');
      const announced = await typesOf();
      const again = await release(world.db, scope, request);
      expect(again.released).toEqual(released);
      expect(again.waiting).toBe(1);
      const payload = scope === 'all' ? { all: true } : { tenantIds: [...scope] };
      await world.activities.acceptRequest({
        ...{ month: MONTH, signal: 'release', signalId: 'run-1:3' },
        payload: { ...payload, reason: 'reviewed', requestId: 'r-1', actor: 'test' },
      });
      expect(await typesOf()).toEqual(announced);
      expect(await seenBy('zeta')).toEqual([]);
      if (scope !== 'all') {
        expect(again.notReleased).toEqual([
          {
            tenant_id: 'zeta',
            reason:
              'invoice zeta-000001 still waits: request r-1 was served before and releases nothing more; release it with another request id',
          },
        ]);
      }
      expect((await release(world.db, ['zeta'])).released).toHaveLength(1);
    },
  );

  test('concurrent requests with the same id release what the first one names', async () => {
    await review();
    await build('acme', 'zeta');
    const request = { requestId: 'r-1' };
    await Promise.all(['acme', 'zeta'].map((id) => release(world.db, [id], request)));
    expect(await releasesOf()).toHaveLength(1);
  });

  test('concurrent releases of the same tenants release each once', async () => {
    await register(world.db);
    await review();
    await build('acme', 'zeta');
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        release(world.db, n % 2 === 0 ? 'all' : ['zeta', 'acme'], { requestId: `r-${n}` }),
      ),
    );
    expect(
      results.flatMap(({ released }) => released.map(({ tenant_id }) => tenant_id)).sort(),
    ).toEqual(['acme', 'zeta']);
    expect(await typesOf()).toEqual([
      'invoice.issued acme',
      'invoice.issued zeta',
      'invoice.released acme',
      'invoice.released zeta',
    ]);
  });

  test('a rerun waits for a release that is not committed, and then announces its revision', async () => {
    await register(world.db);
    await review();
    await build('acme');
    await acceptForce(world, { tenantIds: ['acme'] });
    const released = Promise.withResolvers<undefined>();
    const commit = Promise.withResolvers<undefined>();
    const releasing = world.db.transaction(async (tx) => {
      const request = { all: true, requestId: 'r-1', actor: 'test', reason: 'reviewed' } as const;
      await releaseInvoices(tx, periodOf(MONTH), request);
      released.resolve(undefined);
      await commit.promise;
    });
    await released.promise;
    const rerun = build('acme');
    expect(await Promise.race([rerun, delay(500, 'waits')])).toBe('waits');
    commit.resolve(undefined);
    await releasing;
    expect(await rerun).toMatchObject([{ outcome: 'rolled' }]);
    expect(await typesOf()).toEqual([
      'invoice.issued acme',
      'invoice.issued acme',
      'invoice.released acme',
      'invoice.superseded acme',
    ]);
  });

  test.each([1, 2, 3])(
    'a release against a rerun announces the invoice that is live afterwards (%i)',
    async () => {
      await register(world.db);
      await review();
      await build('acme');
      await Promise.all([forceInvoices(world, ['acme']), release(world.db, ['acme'])]);
      const live = (await invoicesOf(world.db, 'acme')).find(({ status }) => status === 'issued');
      const events = await outboxOf(world.db);
      const issued = events.filter(({ type }) => type === 'invoice.issued');
      const superseded = events.filter(({ type }) => type === 'invoice.superseded');
      // The revision either replaces an invoice that was announced, or is the first that is.
      expect(issued.length - superseded.length).toBe(1);
      expect(issued.map(({ data }) => data.invoice_id)).toContain(live?.invoiceId);
      expect(await seenBy('acme')).toHaveLength(2);
    },
  );

  test('releases can be neither changed nor deleted', async () => {
    await build('acme');
    for (const statement of ['UPDATE releases SET reason = $$x$$', 'DELETE FROM releases']) {
      const query = { ...sql.typeAlias('nothing')`SELECT`, sql: statement };
      await expect(world.db.query(query)).rejects.toThrow(/permission denied|append-only/);
    }
  });
});

describe('the reminder', () => {
  const remind = (days: number, now = new Date()) => remindOfReviews(world.db, { now, days });

  test('writes one event per month and day once invoices have waited too long', async () => {
    await register(world.db);
    await review();
    await seedRequest(world.db, MONTH, { requestId: 'close' });
    await build('acme', 'zeta');
    expect(await remind(3)).toEqual([]);
    expect(await typesOf()).toEqual([]);

    const later = new Date(Date.now() + 4 * 86_400_000);
    expect(await remind(3, later)).toEqual([MONTH]);
    expect(await remind(3, later)).toEqual([MONTH]);
    expect(await outboxOf(world.db)).toMatchObject([
      {
        type: 'review.waiting',
        tenantId: null,
        data: {
          month: MONTH,
          invoices: 2,
          since: expect.stringMatching(/Z$/) as string,
          totals: [{ currency: 'AUD', invoices: 2, total_cents: '11000' }],
          links: { month_end: `/api/v1/roll-ups/${MONTH}` },
        },
      },
    ]);
    // The daily workflow does it with the installation's setting.
    const daily = createActivities({
      ...{ ...ACTIVITY_DEPS, db: world.db, now: () => later },
      reviewReminderDays: 5,
    });
    expect(await daily.sendDailyNotices()).toMatchObject({ lateReviews: 0 });
    await release(world.db);
    expect(await remind(3, later)).toEqual([]);
  });

  test('looks at nothing while no seller reviews invoices', async () => {
    await seedRequest(world.db, MONTH, { requestId: 'close' });
    await build('acme');
    expect(await remind(0)).toEqual([]);
  });
});
