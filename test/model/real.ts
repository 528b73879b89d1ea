import pg from 'pg';
import { createIngestion, type Ingestion } from '../../src/ingestion/ingestion.ts';
import { nextMonth } from '../../src/domain/period.ts';
import { expectSoundBooks } from '../_util/books.ts';
import { createLedgerWorld, type LedgerWorld } from '../_util/ledger-world.ts';
import { fleetOf, MONTH_COUNT, seedFleet, seedPlans, type Fleet } from './fleet.ts';
import { ANY_TIME } from '../_util/any-time.ts';
import { setReview } from '../_util/by-hand.ts';

/** The product, on a real PostgreSQL. */
export interface Real {
  readonly world: LedgerWorld;
  readonly ingestion: Ingestion;
  /** For what only time does. */
  readonly superuser: pg.Client;
}

/** The first month whose usage is accepted. */
const FIRST_MONTH = '2000-01';
/** As many as find months of their own that are over; and a small database is a fast one. */
const SEQUENCES_PER_DATABASE = 75;

/**
 * Gives each sequence tenants and months of its own, so that many can share a database and the
 * checks of a month look at one sequence only.
 */
export class RealWorlds implements AsyncDisposable {
  #real: Real | null = null;
  #used = 0;

  async next(): Promise<{ readonly real: Real; readonly fleet: Fleet }> {
    if (this.#used === SEQUENCES_PER_DATABASE) await this.#retire();
    this.#real ??= await openReal();
    this.#used += 1;
    // From the latest months to the first: LLM usage that a sequence leaves unbilled makes its tenants due for all later
    // months. With a gap, so that late usage of one sequence isn't early usage of another.
    const start = (SEQUENCES_PER_DATABASE - this.#used) * (MONTH_COUNT + 1);
    const months = Array.from({ length: MONTH_COUNT }, (_, n) => monthAt(start + n));
    const fleet = fleetOf(`s${this.#used}`, months);
    await seedFleet(this.#real.world.db, fleet);
    // An earlier sequence may have left the seller's setting otherwise.
    await setReview(this.#real.world.db, false);
    return { real: this.#real, fleet };
  }

  /** After a failure the books are not looked at: they may be wrong, and it is known why. */
  async #retire({ isSound = true } = {}): Promise<void> {
    const real = this.#real;
    this.#real = null;
    this.#used = 0;
    if (real === null) return;
    try {
      if (isSound) await expectSoundBooks(real.world.db);
    } finally {
      await real.ingestion.close();
      await real.superuser.end();
      await real.world[Symbol.asyncDispose]();
    }
  }

  /** Checks the books of the last database. */
  close(options: { readonly isSound: boolean }): Promise<void> {
    return this.#retire(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#retire({ isSound: false });
  }
}

/** Returns the month that is `count` months after the first. */
function monthAt(count: number): string {
  let month = FIRST_MONTH;
  for (let n = 0; n < count; n += 1) month = nextMonth(month);
  return month;
}

async function openReal(): Promise<Real> {
  const world = await createLedgerWorld();
  await seedPlans(world.db);
  const superuser = new pg.Client({ connectionString: world.testDatabase.superuserUrl });
  await superuser.connect();
  return {
    world,
    superuser,
    ingestion: createIngestion({ db: world.db, now: () => new Date(), timeBounds: ANY_TIME }),
  };
}
