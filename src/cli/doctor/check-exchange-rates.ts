import { dueTenants } from '../../db/month-end/due-tenants.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { listMissingRates } from '../../db/tax/tax-terms.ts';
import { TAX_CURRENCY } from '../../domain/aud-tax.ts';
import { ok, warning, type Check } from './doctor-check.ts';

export const EXCHANGE_RATES = 'exchange rates';

/** Finds exchange rates without which month end parks tenants of last month. */
export async function checkExchangeRates(db: Queryable, now: Date): Promise<readonly Check[]> {
  const calendar = await loadCalendar(db);
  const period = calendar.periodOf(calendar.monthBefore(now));
  const { month } = period;
  const missing = await listMissingRates(db, period, dueTenants(period));
  if (missing.length === 0) return [ok(EXCHANGE_RATES, `none is missing for ${month}`)];
  return missing.map(({ currency, tenants }) =>
    warning(
      EXCHANGE_RATES,
      `the exchange rate from ${currency} to ${TAX_CURRENCY} for ${month} is missing; tenants that may be parked without it: ${tenants}`,
      `npm run cli -- exchange-rates add ${currency} ${TAX_CURRENCY} ${month} RATE --source SOURCE`,
    ),
  );
}
