import { expect } from 'vitest';
import { z } from 'zod';
import { previewMonth } from '../../src/audit/preview.ts';
import { runningMonthOf } from '../../src/audit/running-month.ts';
import { readCompositions } from '../../src/db/invoices/compositions.ts';
import { readInvoiceLines } from '../../src/db/invoices/invoices.ts';
import { usageByState } from '../../src/db/month-end/reconciliation.ts';
import { sql } from '../../src/db/sql.ts';
import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import type { PlacedLine } from '../../src/domain/line-changes.ts';
import { invoicesOf, expectVerifiedWithoutRun } from '../_util/books.ts';
import { composeMonth, isDue, type LivesModel } from './lives-model.ts';

/** Compares what the database says of a sequence's months with the model. */

/** The live invoice of the month has the lines that the model says. */
export async function expectLive(model: LivesModel, month: string): Promise<void> {
  const invoiceId = await liveInvoice(model, month);
  expect(invoiceId === null).toBe(!model.invoices.has(month));
  if (invoiceId === null) return;
  const lines = (await readInvoiceLines(model.place.world.db, [invoiceId])).get(invoiceId) ?? [];
  expect(texts(lines)).toEqual(model.invoices.get(month));
}

async function liveInvoice({ place }: LivesModel, month: string): Promise<string | null> {
  const all = await invoicesOf(place.world.db, place.tenant);
  const live = all.filter((each) => each.month === month && each.status !== 'superseded');
  expect(live.length).toBeLessThanOrEqual(1);
  return live[0]?.invoiceId ?? null;
}

function texts(lines: readonly PlacedLine[]): readonly string[] {
  return lines
    .filter(({ kind }) => kind !== 'tax')
    .map(({ deploymentId, kind, subscriptionId, resourceKind, qty, amountCents, meta }) => {
      if (kind === 'llm_usage') {
        return JSON.stringify([deploymentId, kind, qty, amountCents, meta.service_month ?? null]);
      }
      const what = kind === 'addon' ? meta.addon_code : resourceKind;
      const quantities =
        kind === 'overage' ? [qty, meta.included_qty, meta.addon_qty, meta.allowance] : [];
      const fraction = meta.proration_fraction ?? null;
      const parts = [deploymentId, kind, subscriptionId, what, amountCents, fraction];
      return JSON.stringify([...parts, ...quantities]);
    });
}

/** Whatever has happened since: invoices stay, can be verified, and a rerun would bill what is now true. */
export async function expectSoundMonths(model: LivesModel): Promise<void> {
  for (const month of model.place.months) {
    await expectLive(model, month);
    await expectPreview(model, month);
    await expectDaysOnce(model, month);
    await expectUsagePlaces(model, month);
    await expectVerifiedWithoutRun(model.place.world.db, month);
  }
}

async function expectPreview(model: LivesModel, month: string): Promise<void> {
  const found: (readonly string[])[] = [];
  await previewMonth(model.place.world.db, month, {
    bounds: NO_BOUNDS,
    tenantIds: [model.place.tenant],
    onTenant: ({ preview }) => {
      if (preview.parked === null) found.push(texts(preview.lines));
      else throw new Error(`parked: ${preview.parked.reason}`);
    },
  });
  expect(found).toEqual(isDue(model, month) ? [composeMonth(model, month)] : []);
}

/**
 * Returns the lines that the running month shows at its last instant; null if it leaves out what an earlier month's
 * invoice will take.
 */
export async function lastAnswer(
  { place }: LivesModel,
  month: string,
): Promise<readonly string[] | null> {
  const lastInstant = Date.parse(place.calendar.periodOf(month).endsAt) - 1;
  const running = await runningMonthOf(place.world.db, place.tenant, new Date(lastInstant));
  if (!running?.invoice) throw new Error(`no invoice: ${running?.problem?.message}`);
  const isFirst = month === place.months[0];
  return isFirst || running.includesEarlierMonths ? texts(running.invoice.lines) : null;
}

/** Each day of a deployment is billed once at most, and the parts of a plan's month add up to it. */
async function expectDaysOnce(model: LivesModel, month: string): Promise<void> {
  const invoiceId = await liveInvoice(model, month);
  if (invoiceId === null) return;
  const { db } = model.place.world;
  const lines = (await readInvoiceLines(db, [invoiceId])).get(invoiceId) ?? [];
  const composition = (await readCompositions(db, [invoiceId])).get(invoiceId) ?? [];
  const { periodEnd } = model.place.calendar.periodOf(month);
  const daysInMonth = Number(periodEnd.slice(-2));
  for (const { deploymentId, subscriptions } of composition) {
    const isCharged = (id: string) =>
      lines.some((line) => line.subscriptionId === id && line.kind === 'plan_base');
    const charged = subscriptions.filter(({ subscriptionId }) => isCharged(subscriptionId));
    const days = charged.flatMap(({ serviceFrom, serviceTo }) =>
      datesBetween(serviceFrom, serviceTo),
    );
    expect(new Set(days).size).toBe(days.length);
    const plans = new Set(subscriptions.map(({ planVersionId }) => planVersionId));
    const [plan] = model.place.plans.filter(({ id }) => plans.has(id));
    if (plans.size !== 1 || plan?.proration !== 'daily' || days.length !== daysInMonth) continue;
    const paid = lines
      .filter((line) => line.deploymentId === deploymentId && line.kind === 'plan_base')
      .reduce((total, { amountCents }) => total + amountCents, 0);
    expect(Math.abs(paid - plan.basePriceCents)).toBeLessThanOrEqual(charged.length);
  }
}

function datesBetween(from: string | null, to: string | null): readonly string[] {
  if (from === null || to === null) return [];
  const prefix = from.slice(0, -2);
  const [first, last] = [from, to].map((date) => Number(date.slice(-2))) as [number, number];
  return Array.from({ length: last - first + 1 }, (_, n) => `${prefix}${first + n}`);
}

/** States of usage that a live invoice holds. */
const HELD = ['billed', 'within_allowance', 'unpriced_kind', 'free_by_plan', 'no_subscription'];

/** All usage is on the live invoice that the model says, or pending with a reason. */
async function expectUsagePlaces(model: LivesModel, month: string): Promise<void> {
  const { world, calendar, tenant } = model.place;
  const rows = await world.db.any(sql.type(
    z.object({ state: z.string(), events: z.number(), total: z.string() }),
  )`
    SELECT state, sum(events)::int AS events, trim_scale(sum(total)) AS total
    FROM (${usageByState(calendar.periodOf(month))}) u WHERE tenant_id = ${tenant} GROUP BY state`);
  expect(rows.map(({ state }) => state)).not.toContain('unaccounted');
  const count = (isHeld: boolean) =>
    rows
      .filter(({ state }) => HELD.includes(state) === isHeld)
      .reduce((events, row) => events + row.events, 0);
  const own = model.usage.filter((each) => each.month === month);
  expect([count(true), count(false)]).toEqual([
    own.filter(({ holder }) => holder !== null).length,
    own.filter(({ holder }) => holder === null).length,
  ]);
}
