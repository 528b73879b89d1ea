import { countWaitingItems } from '../../db/invoices/item-views.ts';
import type { Queryable } from '../../db/pool.ts';
import { loadCalendar } from '../../db/settings/load-calendar.ts';
import { counted } from '../../domain/format.ts';
import { ok, warning, type Check } from './doctor-check.ts';

export const INVOICE_ITEMS = 'invoice items';

/** Finds invoice items of last month or earlier that no invoice takes; only those of void invoices need an action. */
export async function checkItems(db: Queryable, now: Date): Promise<readonly Check[]> {
  const lastMonth = (await loadCalendar(db)).monthBefore(now);
  const { items, voided } = await countWaitingItems(db, lastMonth);
  if (voided > 0) {
    const held = `${counted(voided, 'item')} ${voided === 1 ? 'is' : 'are'}`;
    return [
      warning(
        INVOICE_ITEMS,
        `${held} held by void invoices until their months are forced`,
        'npm run cli -- items list --state voided',
      ),
    ];
  }
  return [
    ok(
      INVOICE_ITEMS,
      items === 0
        ? `no item of ${lastMonth} or earlier waits for an invoice`
        : `${counted(items, 'item')} of ${lastMonth} or earlier ${items === 1 ? 'waits for the next invoice of its tenant' : 'wait for the next invoices of their tenants'} (items list --state waiting)`,
    ),
  ];
}
