import {
  insertItems,
  readCurrencies,
  readItems,
  withdrawUnbilled,
  type StoredItem,
} from '../db/invoices/item-ledger.ts';
import { showItem, type ListedItem } from '../db/invoices/item-views.ts';
import type { Database, Queryable } from '../db/pool.ts';
import { lockTenants } from '../db/transactions.ts';
import { reasonOf, toFieldErrors } from '../ingestion/field-errors.ts';
import type { FieldError } from '../ingestion/results.ts';
import { explainIssue } from '../lib/explain-issue.ts';
import { invoiceItemSchema, type SentItem } from './invoice-item.ts';

/** The result for one item. */
export type ItemResult =
  | { readonly status: 'recorded' }
  /** The same item was recorded before. */
  | { readonly status: 'duplicate' }
  /** Another item with this id was recorded before; that one stays. */
  | { readonly status: 'conflict'; readonly reason: string }
  /** Not stored; sending it again doesn't change that. */
  | {
      readonly status: 'rejected';
      readonly reason: string;
      readonly errors: readonly FieldError[];
    };

/**
 * Records invoice items, each by itself: a rejected one doesn't affect the others.
 * @param sent at most `MAX_BATCH`, in the order in which credits will be applied
 * @returns a result for each, in order
 */
export function recordItems(
  db: Database,
  sent: readonly unknown[],
  actor: string,
): Promise<readonly ItemResult[]> {
  const parsed = sent.map((item) => invoiceItemSchema.safeParse(item, { error: explainIssue }));
  const tenantIds = new Set(parsed.flatMap(({ data }) => data?.tenant_id ?? []));
  return db.transaction(async (tx) => {
    const currencies = await readCurrencies(tx, [...tenantIds]);
    const checked = parsed.map(({ data, error }) =>
      data === undefined
        ? rejected(toFieldErrors(error.issues))
        : (refusalOf(data, currencies) ?? toStored(data)),
    );
    const first = new Map<string, StoredItem>();
    for (const item of checked) {
      if ('itemId' in item && !first.has(item.itemId)) first.set(item.itemId, item);
    }
    const inserted = await insertItems(tx, [...first.values()], actor);
    // A separate statement, so that it sees what was committed while the insert waited for it.
    const stored = await readItems(tx, [...first.keys()]);
    return checked.map((item) =>
      'itemId' in item ? resultOf(item, { first, inserted, stored }) : item,
    );
  });
}

/** Returns why an item would be rejected now; null if it would be recorded. Writes nothing. */
export async function whyRejected(
  db: Queryable,
  sent: unknown,
): Promise<readonly FieldError[] | null> {
  const { data, error } = invoiceItemSchema.safeParse(sent, { error: explainIssue });
  if (data === undefined) return toFieldErrors(error.issues);
  const refusal = refusalOf(data, await readCurrencies(db, [data.tenant_id]));
  return refusal?.errors ?? null;
}

function rejected(errors: readonly FieldError[]): ItemResult & { readonly status: 'rejected' } {
  return { status: 'rejected', reason: reasonOf(errors), errors };
}

function refusalOf(
  { tenant_id, currency }: SentItem,
  currencies: ReadonlyMap<string, string>,
): (ItemResult & { readonly status: 'rejected' }) | null {
  const known = currencies.get(tenant_id);
  if (known === undefined) {
    return rejected([{ pointer: '/tenant_id', detail: `there is no tenant ${tenant_id}` }]);
  }
  if (currency === undefined || currency === known) return null;
  return rejected([
    { pointer: '/currency', detail: `tenant ${tenant_id} is billed in ${known}, not ${currency}` },
  ]);
}

function toStored(item: SentItem): StoredItem {
  return {
    itemId: item.item_id,
    tenantId: item.tenant_id,
    month: item.month,
    description: item.description,
    amountCents: item.amount_cents,
    taxable: item.taxable,
  };
}

function resultOf(
  item: StoredItem,
  {
    first,
    inserted,
    stored,
  }: {
    readonly first: ReadonlyMap<string, StoredItem>;
    readonly inserted: ReadonlySet<string>;
    readonly stored: ReadonlyMap<string, StoredItem>;
  },
): ItemResult {
  const { itemId } = item;
  const known = stored.get(itemId);
  if (known === undefined) throw new Error(`invoice item ${itemId} was not stored`);
  if (!isSame(item, known)) {
    const reason =
      `item_id ${JSON.stringify(itemId)} was recorded before with another content, which stays; ` +
      'a new item needs a new id';
    return { status: 'conflict', reason };
  }
  const isNew = inserted.has(itemId) && first.get(itemId) === item;
  return { status: isNew ? 'recorded' : 'duplicate' };
}

function isSame(a: StoredItem, b: StoredItem): boolean {
  return (
    a.tenantId === b.tenantId &&
    a.month === b.month &&
    a.description === b.description &&
    a.amountCents === b.amountCents &&
    a.taxable === b.taxable
  );
}

export type Withdrawal =
  /** `isNew` is false if it was withdrawn before; the first reason stays. */
  | { readonly outcome: 'withdrawn'; readonly isNew: boolean; readonly item: ListedItem }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'refused'; readonly reason: string };

/** Returns an item that could be withdrawn now, or why it can't be. Writes nothing. */
export async function planWithdrawal(
  db: Queryable,
  itemId: string,
): Promise<
  | { readonly outcome: 'possible' | 'withdrawn'; readonly item: ListedItem }
  | Exclude<Withdrawal, { outcome: 'withdrawn' }>
> {
  const item = await showItem(db, itemId);
  if (item === null) return { outcome: 'unknown' };
  if (item.state === 'withdrawn') return { outcome: 'withdrawn', item };
  return item.state === 'pending'
    ? { outcome: 'possible', item }
    : { outcome: 'refused', reason: whyNotWithdrawn(item) };
}

/**
 * Withdraws an item for good, if no live invoice takes any of it. Takes the tenant's lock, so that no invoice is issued
 * concurrently.
 */
export function withdrawItem(
  db: Database,
  itemId: string,
  by: { readonly actor: string; readonly reason: string },
): Promise<Withdrawal> {
  return db.transaction(async (tx) => {
    const known = await showItem(tx, itemId);
    if (known === null) return { outcome: 'unknown' };
    await lockTenants(tx, [known.tenant_id]);
    const isNew = await withdrawUnbilled(tx, itemId, by);
    const item = await showItem(tx, itemId);
    if (item?.state === 'withdrawn') return { outcome: 'withdrawn', isNew, item };
    return { outcome: 'refused', reason: whyNotWithdrawn(item ?? known) };
  });
}

function whyNotWithdrawn({ item_id, state, invoices }: ListedItem): string {
  const isVoided = state === 'voided';
  const holders = invoices.filter(({ status }) => !isVoided || status === 'void');
  const numbers = holders.map(({ number }) => number).join(', ');
  const said = `invoice item ${item_id} can't be withdrawn:`;
  return isVoided
    ? `${said} void invoice ${numbers} still holds it`
    : `${said} ${numbers} bills it. Record another item with the opposite amount instead`;
}
