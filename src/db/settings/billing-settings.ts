import { z } from 'zod';
import { computeMonthStarts } from '../../domain/billing-calendar.ts';
import { CALENDAR_YEARS } from '../../domain/period.ts';
import { whyNotTimeZone } from '../../domain/time-zone.ts';
import { inApplyTurn } from './apply-turn.ts';
import type { Database, Queryable } from '../pool.ts';
import { columnArray, sql } from '../sql.ts';

export const billingSettingsSchema = z.object({
  time_zone: z.string().meta({ example: 'Australia/Sydney' }),
  time_zone_fixed_at: z
    .string()
    .nullable()
    .describe(
      'When the first usage or month-end request fixed the zone. Null: it can still change.',
    ),
});
/** The settings that decide to which month and day an instant belongs (docs/spec.md#billing-time-zone). */
export type BillingSettings = z.infer<typeof billingSettingsSchema>;

/** The billing time zone can't be set to this value. The message is a sentence for operators. */
export class TimeZoneRefusedError extends Error {
  override readonly name = 'TimeZoneRefusedError';
}

export function readBillingSettings(db: Queryable): Promise<BillingSettings> {
  return db.one(sql.type(billingSettingsSchema)`
    SELECT time_zone, fixed_at AS time_zone_fixed_at FROM billing_settings WHERE only_row
  `);
}

const current = z.object({
  timeZone: z.string(),
  fixedAt: z.string().nullable(),
  hasUsage: z.boolean(),
  hasRequests: z.boolean(),
  hasInvoices: z.boolean(),
});

/** What setting the zone did. */
export interface ZoneChange {
  readonly isChanged: boolean;
  /** Subscriptions and their addons that start or end at an instant that isn't midnight in the new zone. */
  readonly unaligned: number;
}

/**
 * Sets the billing time zone and stores the boundaries of its months, all or nothing. Setting the zone that is already
 * set changes nothing. A process that stores the first usage or request at the same time either waits for this, and then
 * uses the new zone, or comes first, and this is refused (`fixCalendar`). Subscriptions whose local dates are being
 * applied are stored before, by the old zone, and counted, or after, by the new one.
 * @throws TimeZoneRefusedError if there is no such zone, or if there is usage, a month-end request or an invoice
 */
export async function setTimeZone(db: Database, timeZone: string): Promise<ZoneChange> {
  const flaw = whyNotTimeZone(timeZone);
  if (flaw !== null) throw new TimeZoneRefusedError(flaw);
  const starts = computeMonthStarts(timeZone);
  return inApplyTurn(db, async (tx) => {
    const found = await tx.one(sql.type(current)`
      SELECT time_zone AS "timeZone", fixed_at AS "fixedAt",
        EXISTS (SELECT FROM usage_buckets) AS "hasUsage",
        EXISTS (SELECT FROM month_end_requests) AS "hasRequests",
        EXISTS (SELECT FROM invoices) AS "hasInvoices"
      FROM billing_settings WHERE only_row FOR UPDATE
    `);
    if (found.timeZone === timeZone) return { isChanged: false, unaligned: 0 };
    const reason = whyFixed(found);
    if (reason !== null) {
      throw new TimeZoneRefusedError(
        `The billing time zone stays ${found.timeZone}: ${reason}, and its months are months of that zone`,
      );
    }
    await requireKnownToPostgres(tx, timeZone);
    await tx.query(sql.typeAlias('nothing')`
      UPDATE billing_settings SET time_zone = ${timeZone} WHERE only_row
    `);
    await writeMonths(tx, starts);
    return { isChanged: true, unaligned: await countUnaligned(tx, timeZone) };
  });
}

function whyFixed({ fixedAt, hasUsage, hasRequests, hasInvoices }: z.infer<typeof current>) {
  if (hasInvoices) return 'there are invoices';
  if (hasRequests) return 'a month has been requested';
  if (hasUsage) return 'there is usage';
  return fixedAt === null ? null : `it was fixed at ${fixedAt} for the first usage or request`;
}

function countUnaligned(db: Queryable, timeZone: string): Promise<number> {
  return db.oneFirst(sql.type(z.object({ count: z.number() }))`
    SELECT count(*) AS count FROM (
      SELECT starts_at, ends_at FROM subscriptions
      UNION ALL
      SELECT starts_at, ends_at FROM subscription_addons
    ) AS spans
    WHERE (starts_at AT TIME ZONE ${timeZone})::time <> '00:00'
      OR (ends_at AT TIME ZONE ${timeZone})::time <> '00:00'
  `);
}

/** Dates of issue are computed by PostgreSQL, which has time zone data of its own. */
async function requireKnownToPostgres(db: Queryable, timeZone: string): Promise<void> {
  const isKnown = await db.exists(sql.typeAlias('nothing')`
    SELECT FROM pg_timezone_names WHERE name = ${timeZone}
  `);
  if (isKnown) return;
  throw new TimeZoneRefusedError(
    `PostgreSQL does not know the time zone ${timeZone}: update the time zone data of its server`,
  );
}

async function writeMonths(db: Queryable, starts: readonly number[]): Promise<void> {
  const seconds = columnArray(starts.map((epochMs) => epochMs / 1000));
  await db.query(sql.typeAlias('nothing')`
    WITH boundaries AS (
      SELECT to_timestamp(seconds) AS at,
        (${`${CALENDAR_YEARS.first}-01-01`}::date + make_interval(months => n::int - 1))::date AS month_start
      FROM unnest(${seconds}::bigint[]) WITH ORDINALITY AS b (seconds, n)
    )
    UPDATE billing_months m SET starts_at = b.at, ends_at = next.at
    FROM boundaries b JOIN boundaries next ON next.month_start = b.month_start + interval '1 month'
    WHERE m.month_start = b.month_start
  `);
}
