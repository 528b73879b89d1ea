import type { Queryable } from '../db/pool.ts';
import {
  countByAudRate,
  countByRegistration,
  countParkedWithoutRate,
  listTaxedInvoices,
} from '../db/tax/taxed-invoices.ts';
import { TAX_CURRENCY } from '../domain/aud-tax.ts';
import { Decimal } from '../domain/decimal.ts';
import { counted } from '../domain/format.ts';
import type { Month } from '../domain/period.ts';
import type { Remark } from './apply-error.ts';
import type { CurrentTax, Placed, PlacedTax, TaxChanges } from './tax-changes.ts';

/** Months that a message names; it counts the others. */
const NAMED_MONTHS = 6;

/**
 * Returns a warning for each entry that leaves issued invoices of its months taxed another way, and for each exchange
 * rate that parked tenants waited for: no ordinary run changes an invoice or retries a closed month.
 */
export async function warningsOfTax(
  db: Queryable,
  sent: PlacedTax,
  current: CurrentTax,
  changes: TaxChanges,
): Promise<readonly Remark[]> {
  return [
    ...(await ofAssignments(db, sent, current, changes)),
    ...(await ofRegistrations(db, sent, current, changes)),
    ...(await ofRates(db, sent, changes)),
  ];
}

async function ofAssignments(
  db: Queryable,
  { assignments: sent }: PlacedTax,
  { assignments: stored }: CurrentTax,
  { assignments: { created, corrected } }: TaxChanges,
): Promise<readonly Remark[]> {
  const added = [...created, ...corrected];
  if (added.length === 0) return [];
  const tenantIds = [...new Set(added.map(({ tenantId }) => tenantId))];
  const invoices = await listTaxedInvoices(db, tenantIds, earliest(added));
  const byTenant = Map.groupBy(invoices, ({ tenantId }) => tenantId);
  return added.flatMap(({ tenantId, from, treatment }) => {
    const later = [...stored, ...added].filter(
      (one) => one.tenantId === tenantId && one.from > from,
    );
    const wrong = (byTenant.get(tenantId) ?? []).filter(
      (invoice) => isWithin(invoice.month, from, later) && invoice.treatment !== treatment,
    );
    const { path } = placeOf(sent, (one) => one.tenant_id === tenantId && one.from === from);
    const months = wrong.map(({ month }) => month);
    const [month] = months;
    if (month === undefined) return [];
    const message =
      `tenant ${tenantId} has tax treatment ${treatment} from ${from} on, but its issued invoices of ` +
      `${nameMonths(months)} are taxed by another: ` +
      `check them (month-end preview ${month} --tenant ${tenantId} --lines) and force a rerun of each month ` +
      `(month-end force ${month} --tenant ${tenantId} --reason REASON)`;
    return [{ path: [...path, 'from'], message }];
  });
}

async function ofRegistrations(
  db: Queryable,
  { registrations: sent }: PlacedTax,
  { registrations: stored }: CurrentTax,
  { registrations: { created, corrected } }: TaxChanges,
): Promise<readonly Remark[]> {
  const added = [...created, ...corrected];
  if (added.length === 0) return [];
  const counts = await countByRegistration(db, earliest(added));
  return added.flatMap(({ from, registered }) => {
    const later = [...stored, ...added].filter((one) => one.from > from);
    const wrong = counts.filter(
      (one) => isWithin(one.month, from, later) && one.registered !== registered,
    );
    const months = wrong.map(({ month }) => month);
    if (months.length === 0) return [];
    const message =
      `the seller is ${registered ? '' : 'not '}registered for GST from ${from} on, but ` +
      `${total(wrong)} of ${nameMonths(months)} say otherwise: force a rerun of each month ` +
      `(month-end force ${months[0]} --all --only-if-changed --reason REASON)`;
    return [{ path: [...placeOf(sent, (one) => one.from === from).path, 'from'], message }];
  });
}

async function ofRates(
  db: Queryable,
  { exchangeRates: sent }: PlacedTax,
  { exchangeRates: { created, corrected } }: TaxChanges,
): Promise<readonly Remark[]> {
  const added = [...created, ...corrected].filter(({ to }) => to === TAX_CURRENCY);
  if (added.length === 0) return [];
  const months = [...new Set(added.map(({ month }) => month))];
  const kept = await countByAudRate(db, months);
  const parked = await countParkedWithoutRate(db, months);
  return added.flatMap(({ from, to, month, rate, source }) => {
    const { path } = placeOf(
      sent,
      (one) => one.from === from && one.to === to && one.month === month,
    );
    const isOfRate = (one: { readonly month: Month; readonly currency: string }) =>
      one.month === month && one.currency === from;
    const wrong = kept.filter(
      (one) => isOfRate(one) && !(new Decimal(one.rate).equals(rate) && one.source === source),
    );
    const waiting = parked.find(isOfRate)?.tenants ?? 0;
    const say = (message: string) => ({ path: [...path, 'rate'], message });
    return [
      ...(wrong.length === 0
        ? []
        : [
            say(
              `${total(wrong)} of ${month} in ${from} keep another exchange rate: force a rerun ` +
                `(month-end force ${month} --all --only-if-changed --reason REASON)`,
            ),
          ]),
      ...(waiting === 0
        ? []
        : [
            say(
              `tenants parked without the exchange rate from ${from} to ${TAX_CURRENCY} of ${month}: ${waiting}. ` +
                `Retry them (month-end start ${month})`,
            ),
          ]),
    ];
  });
}

/** Whether a month is from `from` on, and before the next entry. */
function isWithin(month: Month, from: Month, later: readonly { readonly from: Month }[]): boolean {
  return month >= from && later.every((next) => month < next.from);
}

function placeOf<Entry>(
  sent: readonly Placed<Entry>[],
  isIt: (entry: Entry) => boolean,
): { readonly path: readonly PropertyKey[] } {
  return sent.find(isIt) ?? { path: [] };
}

function earliest(entries: readonly { readonly from: Month }[]): Month {
  return entries.map(({ from }) => from).sort()[0] ?? '';
}

function nameMonths(months: readonly Month[]): string {
  const distinct = [...new Set(months)];
  const others = distinct.length - NAMED_MONTHS;
  const named = distinct.slice(0, NAMED_MONTHS).join(', ');
  return others > 0 ? `${named} and ${counted(others, 'later month')}` : named;
}

function total(counts: readonly { readonly invoices: number }[]): string {
  const sum = counts.reduce((all, { invoices }) => all + invoices, 0);
  return counted(sum, 'invoice');
}
