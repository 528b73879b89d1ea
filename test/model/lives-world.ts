import { NO_BOUNDS } from '../../src/domain/bounds.ts';
import type { BillingCalendar } from '../../src/domain/billing-calendar.ts';
import { nextMonth } from '../../src/domain/period.ts';
import type { PlanVersion } from '../../src/domain/types.ts';
import { findPlanVersions } from '../../src/db/catalogue/catalogue.ts';
import { loadCalendar } from '../../src/db/settings/load-calendar.ts';
import { setTimeZone } from '../../src/db/settings/billing-settings.ts';
import { sql } from '../../src/db/sql.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { seedPlan } from '../_util/lives.ts';

/** Where a sequence of `lives.test.ts` takes place: a tenant and months of its own in a real database. */
export interface Place {
  readonly world: LedgerWorld;
  readonly calendar: BillingCalendar;
  readonly plans: readonly PlanVersion[];
  readonly tenant: string;
  readonly deployments: readonly string[];
  /** Two in a row, over when the sequence starts. */
  readonly months: readonly string[];
}

/** As many as find months of their own that are over; and a small database is a fast one. */
const SEQUENCES_PER_DATABASE = 75;
const FIRST_MONTH = '2001-01';

/** Each sequence's usage kinds; `coffee` is in no plan. */
export const KINDS = ['hours', 'tokens', 'gb', 'coffee'] as const;

/** Gives each sequence a place; databases have one of the time zones. */
export class LivesWorlds implements AsyncDisposable {
  readonly #timeZone: string;
  #open: Pick<Place, 'world' | 'calendar' | 'plans'> | null = null;
  #used = 0;
  #nextMonth = FIRST_MONTH;

  constructor(timeZone: string) {
    this.#timeZone = timeZone;
  }

  async next(): Promise<Place> {
    if (this.#used === SEQUENCES_PER_DATABASE) await this[Symbol.asyncDispose]();
    this.#open ??= await openWorld(this.#timeZone);
    this.#used += 1;
    const first = this.#nextMonth;
    const second = nextMonth(first);
    // A gap, so that late usage of one sequence isn't early usage of the next.
    this.#nextMonth = nextMonth(nextMonth(second));
    const tenant = `t${this.#used}`;
    const deployments = [`${tenant}-a`, `${tenant}-b`];
    const { db } = this.#open.world;
    await db.query(sql.typeAlias('nothing')`
      INSERT INTO tenants (tenant_id, name, currency) VALUES (${tenant}, ${tenant}, 'AUD')`);
    await db.query(sql.typeAlias('nothing')`
      INSERT INTO deployments (deployment_id, tenant_id)
      SELECT id, ${tenant} FROM unnest(${sql.array(deployments, 'text')}) id`);
    return { ...this.#open, tenant, deployments, months: [first, second] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = this.#open;
    this.#open = null;
    this.#used = 0;
    this.#nextMonth = FIRST_MONTH;
    await open?.world[Symbol.asyncDispose]();
  }
}

async function openWorld(timeZone: string) {
  const world = await createLedgerWorld({ bounds: NO_BOUNDS });
  await setTimeZone(world.db, timeZone);
  const hours = { resourceKind: 'hours', overageUnit: 'hour' };
  const tokens = { resourceKind: 'tokens', overageUnit: '1k_tokens' };
  const ids = [
    await seedPlan(world.db, 'small', {
      proration: 'daily',
      basePriceCents: 1999,
      items: [
        { ...hours, includedQty: '100', overagePriceCents: '2.5', hardCapQty: '150' },
        { ...tokens, includedQty: '1000', overagePriceCents: '0.0425' },
      ],
    }),
    await seedPlan(world.db, 'large', {
      proration: 'daily',
      basePriceCents: 4998,
      items: [
        { ...tokens, includedQty: '7000', overagePriceCents: '0.0199' },
        { ...hours, includedQty: '333.333', overagePriceCents: 1 },
        { resourceKind: 'gb', includedQty: '5', overageUnit: 'gb' },
      ],
    }),
    await seedPlan(world.db, 'flat', {
      proration: 'none',
      basePriceCents: 2500,
      items: [{ ...hours, includedQty: '50', overagePriceCents: 3 }],
    }),
    await seedPlan(world.db, 'free', {
      proration: 'none',
      basePriceCents: 0,
      items: [{ resourceKind: 'gb', includedQty: null, overagePriceCents: 7, hardCapQty: '20' }],
    }),
  ];
  const versions = await findPlanVersions(world.db, ids);
  const plans = ids.flatMap((id) => versions.find((version) => version.id === id) ?? []);
  return { world, calendar: await loadCalendar(world.db), plans };
}
