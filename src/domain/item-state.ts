import { formatMoney } from './format.ts';

/** Where an invoice item is (docs/spec.md#invoice-items). */
export const ITEM_STATES = ['pending', 'partly_applied', 'applied', 'voided', 'withdrawn'] as const;
export type ItemState = (typeof ITEM_STATES)[number];

/** What lists of items filter by: a state, or `waiting` for what no invoice has taken in full or a void one holds. */
export const ITEM_FILTERS = [...ITEM_STATES, 'waiting'] as const;

/** What decides what an item waits for. */
export interface PlacedItem {
  readonly state: ItemState;
  readonly month: string;
  readonly currency: string;
  readonly amount_cents: number;
  readonly rest_cents: number;
  readonly taxable: boolean;
  readonly invoices: readonly {
    readonly number: string;
    readonly month: string;
    readonly status: string;
  }[];
}

/** Returns what an item waits for, as a phrase; null if it waits for nothing. */
export function waitsFor(item: PlacedItem): string | null {
  switch (item.state) {
    case 'withdrawn':
    case 'applied':
      return null;
    case 'voided':
      return item.invoices
        .filter(({ status }) => status === 'void')
        .map(({ number, month }) => `a forced rerun of ${month}, because ${number} is void`)
        .join('; ');
    case 'pending':
    case 'partly_applied':
      return item.amount_cents > 0
        ? `the next invoice of ${item.month} or a later month`
        : `${item.taxable ? 'taxable' : 'non-taxable'} charges that it can reduce by ${formatMoney(-item.rest_cents, item.currency)}, ` +
            `on the next invoice of ${item.month} or a later month`;
  }
}
