import { z } from 'zod';
import { createBillingCalendar, type BillingCalendar } from '../../domain/billing-calendar.ts';
import type { Queryable, Transaction } from '../pool.ts';
import { sql } from '../sql.ts';

interface Loaded {
  readonly calendar: BillingCalendar;
  /** Whether the zone can't change any more. */
  readonly isFixed: boolean;
}

/** By database. A calendar whose zone is fixed is never read again. */
const loaded = new WeakMap<Queryable, Loaded>();

/** The database that a view shows a part of. */
const sources = new WeakMap<Queryable, Queryable>();

/** Makes `loadCalendar` return the calendar of `db` for a view of it, such as a tenant's. */
export function shareCalendar(db: Queryable, view: Queryable): void {
  sources.set(view, db);
}

/**
 * Returns the calendar of the billing time zone. Costs nothing once the zone is fixed; before that, one short query, so
 * that a running process notices a change. For readers; a writer calls `fixCalendar`.
 * @param from a pool or a tenant's view of it, rather than a transaction, for which nothing can be remembered
 * @param tx the transaction to read it in, rather than on another connection of the pool
 */
export async function loadCalendar(from: Queryable, tx?: Transaction): Promise<BillingCalendar> {
  const db = sources.get(from) ?? from;
  const known = loaded.get(db);
  if (known?.isFixed) return known.calendar;
  const read = await readCalendar(tx ?? db, known?.calendar ?? null);
  loaded.set(db, read);
  return read.calendar;
}

/**
 * Returns the calendar after fixing its zone. A process that is about to store usage or a month-end request calls
 * this first: a change of the zone in another transaction is either complete by then, or refused (ADR 28). Costs nothing from
 * the second call on.
 */
export async function fixCalendar(db: Queryable): Promise<BillingCalendar> {
  const known = loaded.get(db);
  if (known?.isFixed) return known.calendar;
  await db.query(sql.typeAlias('nothing')`
    UPDATE billing_settings SET fixed_at = now() WHERE only_row AND fixed_at IS NULL
  `);
  return loadCalendar(db);
}

const stored = z.object({
  timeZone: z.string(),
  isFixed: z.boolean(),
  /** Epoch seconds, only if the zone isn't the known one. */
  starts: z.array(z.string()).nullable(),
});

async function readCalendar(db: Queryable, known: BillingCalendar | null): Promise<Loaded> {
  const { timeZone, isFixed, starts } = await db.one(sql.type(stored)`
    SELECT time_zone AS "timeZone", fixed_at IS NOT NULL AS "isFixed",
      CASE WHEN time_zone IS DISTINCT FROM ${known?.timeZone ?? null} THEN ARRAY(
        SELECT extract(epoch FROM m.at)::bigint::text FROM (
          SELECT starts_at AS at FROM billing_months UNION SELECT ends_at FROM billing_months
        ) m ORDER BY m.at
      ) END AS starts
    FROM billing_settings WHERE only_row
  `);
  const isKnown = known !== null && starts === null;
  const calendar = isKnown
    ? known
    : createBillingCalendar(
        timeZone,
        (starts ?? []).map((seconds) => Number(seconds) * 1000),
      );
  return { calendar, isFixed };
}
