import { expect } from 'vitest';
import * as product from '../_util/by-hand.ts';
import { credit, pay, release, voidInvoice } from './hand-rules.ts';
import { recordItem, withdrawItem } from './item-rules.ts';
import {
  monthText,
  newId,
  type Invoice,
  type Item,
  type Model,
  type Note,
  type Payment,
} from './model.ts';
import { leftOfLine, numberOf } from './note-rules.ts';
import type { Real } from './real.ts';
import { balanceOf, standing } from './standing-rules.ts';
import type { TreatmentCode } from './tax-rules.ts';

/** What operators do by hand, to the model and to the product: both must give the same answer. */

export async function sendPayment(
  { world: { db } }: Real,
  model: Model,
  payment: Payment,
): Promise<void> {
  const { id, invoice, cents } = payment;
  const outcome = await product.recordPayment(db, { id, number: numberOf(invoice), cents });
  expect(outcome).toBe(pay(model, payment));
}

export const AMOUNTS = ['in full', 'in part', 'too much', 'back'] as const;
export type Amount = (typeof AMOUNTS)[number];

/** Pays for the month of an invoice; of one that owes nothing, a cent. */
export async function payInvoice(
  real: Real,
  model: Model,
  invoice: Invoice,
  amount: Amount,
): Promise<void> {
  const live = standing(model, invoice.tenant, invoice.month) ?? invoice;
  const { balanceCents, paidCents } = balanceOf(model, live);
  const owed = Math.max(balanceCents, 1);
  const cents = {
    'in full': owed,
    'in part': Math.ceil(owed / 3),
    'too much': owed + 250,
    back: paidCents > 0 ? -paidCents : -1,
  }[amount];
  await sendPayment(real, model, { id: newId(model), invoice, cents });
}

export async function voidOne(real: Real, model: Model, invoice: Invoice): Promise<void> {
  const outcome = await product.voidInvoice(real.world.db, invoice.id);
  expect(outcome).toBe(voidInvoice(model, invoice));
}

export const SHARES = ['all that is left', 'a part', 'more than is left'] as const;
export type Share = (typeof SHARES)[number];

/** Credits some of a document's n-th line, counting round again at the first. */
export async function creditLine(
  real: Real,
  model: Model,
  document: Invoice | Note,
  { n, share }: { readonly n: number; readonly share: Share },
): Promise<void> {
  if (document.lines.length === 0) return;
  const lineNo = 1 + (n % document.lines.length);
  const line = document.lines[lineNo - 1];
  if (line === undefined) return;
  const left = Math.max(leftOfLine(model, document, line), 1);
  const cents = {
    'all that is left': left,
    'a part': Math.ceil(left / 4),
    'more than is left': left + 1,
  }[share];
  const requestId = newId(model);
  const id = await product.creditLine(real.world.db, {
    documentId: document.id,
    lineNo,
    cents,
    requestId,
  });
  const expected = credit(model, document, { id: id ?? '', lineNo, cents, requestId });
  expect(id).toBe(expected?.id ?? null);
}

export async function sendItem(
  { world: { db } }: Real,
  model: Model,
  item: Omit<Item, 'isWithdrawn'>,
): Promise<void> {
  const outcome = await product.recordItem(db, { ...item, month: monthText(model, item.month) });
  expect(outcome).toBe(recordItem(model, item));
}

export async function withdrawOne(real: Real, model: Model, item: Item): Promise<void> {
  const outcome = await product.withdrawItem(real.world.db, item.id);
  expect(outcome).toBe(withdrawItem(model, item));
}

/** Releases what tenants have for a month. */
export async function releaseMonth(
  real: Real,
  model: Model,
  { month, tenants }: { readonly month: number; readonly tenants: readonly string[] },
): Promise<void> {
  const released = await product.releaseMonth(real.world.db, {
    month: monthText(model, month),
    tenantIds: tenants,
    requestId: newId(model),
  });
  const expected = tenants.filter(
    (tenant) =>
      standing(model, tenant, month)?.status === 'issued' &&
      release(model, tenant, month) === 'released',
  );
  expect([...released].sort()).toEqual([...expected].sort());
}

export async function setReview(real: Real, model: Model, isReviewed: boolean): Promise<void> {
  model.isReviewed = isReviewed;
  await product.setReview(real.world.db, isReviewed);
}

export async function assignTreatment(
  real: Real,
  model: Model,
  entry: { readonly tenant: string; readonly from: number; readonly code: TreatmentCode },
): Promise<void> {
  model.treatments.push(entry);
  await product.assignTreatment(real.world.db, { ...entry, from: monthText(model, entry.from) });
}
