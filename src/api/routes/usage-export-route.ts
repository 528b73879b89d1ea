import { z } from 'zod';
import { DAILY_USAGE_CSV_HEADERS, streamDailyUsageCsv } from '../../audit/daily-usage-csv.ts';
import type { ApiKey } from '../../db/access/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { readUsageMonthState, type UsageMonth } from '../../db/usage/usage-by-day.ts';
import { externalId } from '../../ingestion/usage-fields.ts';
import { defineRoute, reply } from '../http/define-route.ts';
import { eventReads } from '../http/compute-once.ts';
import { HttpProblem } from '../http/problems.ts';
import { ownerOf } from '../http/rate-limits.ts';
import { month } from '../http/request-fields.ts';
import { requiredTenant } from './invoice-params.ts';

/** Path parameters of a month's usage. */
export const usageMonthParams = z.strictObject({ month });

/** Downloads a month's usage by day. */
export const getUsageCsv = defineRoute(
  {
    method: 'get',
    path: '/api/v1/usage/{month}.csv',
    operationId: 'getUsageCsv',
    tag: 'Usage',
    summary: 'Download the usage of a month by deployment, day, kind and model',
    description:
      'One row per deployment, day in the billing time zone, resource kind and model, without excluded events. ' +
      'charge_cents are exact: they add up to the LLM line before it is rounded. A tenant key reads the current ' +
      'month and released months; an operator names the tenant. Columns: ' +
      `${DAILY_USAGE_CSV_HEADERS.join(', ')}.`,
    scopes: ['tenant', 'operator'],
    rateLimited: true,
    params: usageMonthParams,
    query: z.strictObject({
      tenant_id: externalId.optional().describe('Required with an operator key.'),
    }),
    responses: {
      200: {
        description: 'CSV (RFC 4180), UTF-8',
        schema: z.custom<AsyncIterable<string>>(() => true).meta({ type: 'string' }),
        contentType: 'text/csv; charset=utf-8',
        headers: {
          'Content-Disposition': {
            description: 'The file name: tenant and month.',
            required: true,
            schema: { type: 'string' },
            example: 'attachment; filename="usage-acme-2026-05.csv"',
          },
        },
        example: `${DAILY_USAGE_CSV_HEADERS.join(',')}\r\n`,
      },
    },
    problems: ['not-found'],
  },
  async ({ params, query, caller }, { db, now }) => {
    const tenantId = await requiredTenant(db, caller, query.tenant_id);
    const usage = { tenantId, month: params.month };
    await requireReadable(db, usage, caller, now());
    const inTurn = <T>(read: () => Promise<T>) => eventReads.run(ownerOf(caller), read);
    return reply(200, streamDailyUsageCsv(db, usage, await loadCalendar(db), inTurn), {
      'Content-Disposition': `attachment; filename="usage-${tenantId}-${params.month}.csv"`,
    });
  },
);

/**
 * Requires a month whose usage the caller may read: for a tenant the current one, or one that is released.
 * @throws HttpProblem `not-found`
 */
export async function requireReadable(
  db: Queryable,
  usage: UsageMonth,
  caller: ApiKey,
  now: Date,
): Promise<void> {
  const { month } = usage;
  if (month === (await loadCalendar(db)).monthOf(now)) return;
  const { isReleased, isExpired } = await readUsageMonthState(db, usage);
  if (caller.tenantId !== null && !isReleased) {
    throw new HttpProblem('not-found', `the usage of ${month} can be read once it is released`);
  }
  if (isExpired) {
    throw new HttpProblem(
      'not-found',
      `the usage events of ${month} were deleted: its invoice has their sums`,
    );
  }
}
