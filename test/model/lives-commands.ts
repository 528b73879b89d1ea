import fc from 'fast-check';
import { expect } from 'vitest';
import { sql } from '../../src/db/sql.ts';
import type { AddonLife, SubscriptionLife } from '../domain/_day-by-day.ts';
import { invoicesOf } from '../_util/books.ts';
import { buildInvoices, forceInvoices } from '../_util/build.ts';
import { seedLives } from '../_util/lives.ts';
import { seedUsage } from '../_util/seed.ts';
import { expectLive, lastAnswer } from './lives-checks.ts';
import {
  composeMonth,
  heldBy,
  instantOf,
  isDue,
  issue,
  microseconds,
  type LivesModel,
} from './lives-model.ts';
import { KINDS } from './lives-world.ts';

/**
 * What can happen to a tenant's subscriptions, usage and invoices. Each command does the same to the model and to the
 * database. Commands that make no sense where they come change nothing.
 */
export interface LivesCommand {
  readonly text: string;
  readonly run: (model: LivesModel) => Promise<void>;
}

const DAY = 86_400_000_000n;

/** Instants from a few days before the first month to the end of the second, many of them midnights. */
const anyInstant = fc.record({
  day: fc.integer({ min: -3, max: 63 }),
  offset: fc.oneof(fc.constantFrom(0n, 0n, 0n, -1n, 1n), fc.bigInt({ min: 0n, max: DAY - 1n })),
});
type AnyInstant = typeof anyInstant extends fc.Arbitrary<infer T> ? T : never;

function at({ place }: LivesModel, { day, offset }: AnyInstant): string {
  const { startsAt } = place.calendar.periodOf(place.months[0] ?? '');
  return instantOf(microseconds(startsAt) + BigInt(day) * DAY + offset);
}

const isBefore = (a: string, b: string | null) => b === null || microseconds(a) < microseconds(b);

const anyDeployment = fc.constantFrom(0, 0, 1);
const anyMonth = fc.constantFrom(0, 0, 0, 1);
const anyPlan = fc.nat({ max: 3 });
const anyAddon = fc.record({
  kind: fc.constantFrom(...KINDS),
  qty: fc.integer({ min: 0, max: 90_000 }).map((n) => String(n / 1000)),
  priceCents: fc.integer({ min: 0, max: 3000 }),
});
const amount = fc.oneof(
  fc.nat({ max: 400 }).map(String),
  fc.nat({ max: 9_000_000 }).map((n) => String(n / 1000)),
);

const monthOf = ({ place }: LivesModel, index: number) => place.months[index] ?? '';
const deploymentOf = ({ place }: LivesModel, index: number) => place.deployments[index] ?? '';
const livesOf = (model: LivesModel, index: number) =>
  model.lives.get(deploymentOf(model, index)) ?? [];

/** The deployment's lives, with one replaced, in order. */
function setLives(model: LivesModel, index: number, lives: readonly SubscriptionLife[]): void {
  const sorted = lives.toSorted((a, b) => (isBefore(a.startsAt, b.startsAt) ? -1 : 1));
  model.lives.set(deploymentOf(model, index), sorted);
}

/** Adds a subscription to model and database. */
async function insert(
  model: LivesModel,
  index: number,
  life: Omit<SubscriptionLife, 'subscriptionId'>,
): Promise<void> {
  const { world, tenant } = model.place;
  model.lastId += 1;
  const subscriptionId = `${tenant}-s${model.lastId}`;
  setLives(model, index, [...livesOf(model, index), { ...life, subscriptionId }]);
  await seedLives(world.db, tenant, deploymentOf(model, index), [
    {
      id: subscriptionId,
      plan: life.plan.id,
      startsAt: life.startsAt,
      endsAt: life.endsAt,
      addons: life.addons.map((addon) => ({
        ...addon,
        code: String(addon.code),
        qty: String(addon.qty),
      })),
    },
  ]);
}

/** Changes a subscription in model and database. */
async function update(
  model: LivesModel,
  index: number,
  life: SubscriptionLife,
  change: Partial<Pick<SubscriptionLife, 'startsAt' | 'endsAt' | 'plan'>>,
): Promise<void> {
  const changed = { ...life, ...change };
  setLives(
    model,
    index,
    livesOf(model, index).map((each) => (each === life ? changed : each)),
  );
  await model.place.world.db.query(sql.typeAlias('nothing')`
    UPDATE subscriptions SET starts_at = ${changed.startsAt}, ends_at = ${changed.endsAt},
      plan_version_id = ${changed.plan.id}
    WHERE subscription_id = ${life.subscriptionId}`);
}

const start = fc
  .tuple(anyDeployment, anyInstant, anyPlan)
  .map(([index, instant, plan]): LivesCommand => ({
    text: `start plan ${plan} of deployment ${index} on day ${instant.day}`,
    async run(model) {
      const startsAt = at(model, instant);
      const lives = livesOf(model, index);
      if (
        lives.some((life) => !isBefore(startsAt, life.startsAt) && isBefore(startsAt, life.endsAt))
      )
        return;
      const next = lives.find((life) => isBefore(startsAt, life.startsAt));
      const life = { startsAt, endsAt: next?.startsAt ?? null, addons: [] };
      await insert(model, index, { ...life, plan: model.place.plans[plan]! });
    },
  }));

/** Ends, starts or re-plans the n-th subscription. */
const change = fc
  .tuple(
    anyDeployment,
    fc.nat({ max: 3 }),
    anyInstant,
    anyPlan,
    fc.constantFrom('end', 'end', 'move', 'reopen', 'change plan', 'change plan', 'rename plan'),
  )
  .map(([index, n, instant, plan, how]): LivesCommand => ({
    text: `${how} of subscription ${n} of deployment ${index} on day ${instant.day}, plan ${plan}`,
    async run(model) {
      const lives = livesOf(model, index);
      const place = lives.length === 0 ? 0 : n % lives.length;
      const life = lives[place];
      if (!life) return;
      const time = at(model, instant);
      const [previous, next] = [lives[place - 1], lives[place + 1]];
      const isInside = isBefore(life.startsAt, time) && isBefore(time, life.endsAt);
      switch (how) {
        case 'end':
          if (isInside) await update(model, index, life, { endsAt: time });
          return;
        case 'reopen':
          await update(model, index, life, { endsAt: next?.startsAt ?? null });
          return;
        case 'move':
          if (isBefore(time, life.endsAt) && !(previous && isBefore(time, previous.endsAt)))
            await update(model, index, life, { startsAt: time });
          return;
        case 'rename plan':
          await update(model, index, life, { plan: model.place.plans[plan]! });
          return;
        case 'change plan':
          if (!isInside) return;
          await update(model, index, life, { endsAt: time });
          await insert(model, index, {
            plan: model.place.plans[plan]!,
            startsAt: time,
            endsAt: life.endsAt,
            addons: [],
          });
      }
    },
  }));

/** A subscription that starts with an addon, or gets one later, which may end before it. */
const attach = fc
  .tuple(anyDeployment, fc.nat({ max: 3 }), anyInstant, anyInstant, anyAddon)
  .map(([index, n, from, to, { kind, qty, priceCents }]): LivesCommand => ({
    text: `attach ${qty} ${kind} to subscription ${n} of deployment ${index}, days ${from.day} to ${to.day}`,
    async run(model) {
      const lives = livesOf(model, index);
      const life = lives.length === 0 ? undefined : lives[n % lives.length];
      if (!life) return;
      const [startsAt, end] = [at(model, from), at(model, to)];
      const endsAt = isBefore(startsAt, end) ? end : null;
      const position = life.addons.length + 1;
      const code = `addon-${position}`;
      const addon: AddonLife = { code, resourceKind: kind, qty, priceCents, startsAt, endsAt };
      const changed = { ...life, addons: [...life.addons, addon] };
      setLives(
        model,
        index,
        lives.map((each) => (each === life ? changed : each)),
      );
      await model.place.world.db.query(sql.typeAlias('nothing')`
        INSERT INTO subscription_addons (subscription_id, position, addon_code, resource_kind, qty,
          price_cents, starts_at, ends_at)
        VALUES (${life.subscriptionId}, ${position}, ${code}, ${kind}, ${qty}, ${priceCents},
          ${startsAt}, ${endsAt})`);
    },
  }));

const use = fc
  .tuple(anyDeployment, fc.constantFrom('llm_usage', 'hours', ...KINDS), anyMonth, amount)
  .map(([index, kind, month, value]): LivesCommand => ({
    text: `use ${value} ${kind} of deployment ${index} in month ${month}`,
    async run(model) {
      const [deployment, of] = [deploymentOf(model, index), monthOf(model, month)];
      const { world, tenant } = model.place;
      model.usage.push({ deployment, kind, month: of, amount: value, holder: null });
      await seedUsage(world.db, {
        tenantId: tenant,
        deploymentId: deployment,
        kind,
        amount: value,
        month: of,
      });
    },
  }));

const close = anyMonth.map((index): LivesCommand => ({
  text: `close month ${index}`,
  async run(model) {
    const month = monthOf(model, index);
    const expected = expectedOutcome(model, month);
    const { world, tenant } = model.place;
    const answer = await lastAnswer(model, month);
    const results = await buildInvoices(world, [tenant], { month });
    expect(results).toMatchObject([{ outcome: expected }]);
    if (expected === 'rolled') {
      issue(model, month);
      // What the tenant saw last is what it gets, if nothing came late.
      if (answer !== null) expect(answer).toEqual(model.invoices.get(month));
    }
    await expectLive(model, month);
  },
}));

function expectedOutcome(model: LivesModel, month: string): string {
  if (model.invoices.has(month)) return 'skipped';
  const isEmpty = composeMonth(model, month).length === 0 && heldBy(model, month).length === 0;
  return isDue(model, month) && !isEmpty ? 'rolled' : 'nothing_to_bill';
}

const force = fc.tuple(anyMonth, fc.boolean()).map(([index, onlyIfChanged]): LivesCommand => ({
  text: `force month ${index}${onlyIfChanged ? ' if it changed' : ''}`,
  async run(model) {
    const month = monthOf(model, index);
    if (!model.invoices.has(month)) return;
    const { world, tenant } = model.place;
    const revisions = async () => (await invoicesOf(world.db, tenant)).length;
    const before = await revisions();
    const isSame = composeMonth(model, month).join() === model.invoices.get(month)?.join();
    const results = await forceInvoices(world, [tenant], { onlyIfChanged }, month);
    const outcome = results[0]?.outcome ?? '';
    // An invoice with the same lines may be replaced: late usage and other subscriptions can need it.
    expect(onlyIfChanged && isSame ? ['unchanged', 'rolled'] : ['rolled']).toContain(outcome);
    expect(await revisions()).toBe(before + (outcome === 'rolled' ? 1 : 0));
    issue(model, month);
    await expectLive(model, month);
  },
}));

export const anyCommands: fc.Arbitrary<readonly LivesCommand[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: start },
    { weight: 5, arbitrary: change },
    { weight: 3, arbitrary: attach },
    { weight: 5, arbitrary: use },
    { weight: 3, arbitrary: close },
    { weight: 3, arbitrary: force },
  ),
  { minLength: 3, maxLength: 16, size: 'max' },
);
