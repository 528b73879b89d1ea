import { applySeller } from '../../src/catalogue/apply-seller.ts';
import { applyTaxFile } from '../../src/catalogue/apply-tax.ts';
import * as items from '../../src/catalogue/record-items.ts';
import * as credits from '../../src/db/invoices/credit.ts';
import { releaseInvoices } from '../../src/db/invoices/release.ts';
import { recordPayments } from '../../src/db/invoices/payments.ts';
import * as voids from '../../src/db/invoices/void-invoice.ts';
import type { Database } from '../../src/db/pool.ts';

import { periodOf } from './utc.ts';

/** What operators do by hand, each with the answer in a word. */

const ACTOR = 'olga';
const REASON = 'a test';
const BY = { actor: ACTOR, reason: REASON };

export async function recordPayment(
  db: Database,
  { id, number, cents }: { readonly id: string; readonly number: string; readonly cents: number },
): Promise<'recorded' | 'duplicate' | 'conflict' | 'refused'> {
  const payment = {
    paymentId: id,
    invoiceNumber: number,
    amountCents: cents,
    receivedOn: '2026-06-12',
    method: null,
    reference: null,
  };
  const [result] = await recordPayments(db, [payment], { actor: ACTOR });
  if (result === undefined) throw new Error('the payment has no result');
  return result.status === 'rejected' ? 'refused' : result.status;
}

export async function voidInvoice(
  db: Database,
  invoiceId: string,
): Promise<'changed' | 'unchanged' | 'refused'> {
  const { outcome } = await voids.voidInvoice(db, { invoiceId, ...BY });
  if (outcome === 'unknown') throw new Error('the invoice is unknown');
  if (outcome === 'voided') return 'changed';
  return outcome === 'unchanged' ? outcome : 'refused';
}

/** @returns the id of the adjustment note; null: refused */
export async function creditLine(
  db: Database,
  asked: {
    readonly documentId: string;
    readonly lineNo: number;
    readonly cents: number;
    readonly requestId: string;
  },
): Promise<string | null> {
  const { documentId, lineNo, cents: amountCents, requestId } = asked;
  const result = await credits.creditLine(db, {
    documentId,
    lineNo,
    amountCents,
    requestId,
    ...BY,
  });
  return result.outcome === 'credited' ? result.noteId : null;
}

export async function recordItem(
  db: Database,
  item: {
    readonly id: string;
    readonly tenant: string;
    readonly month: string;
    readonly description: string;
    readonly cents: number;
    readonly isTaxable: boolean;
  },
): Promise<'recorded' | 'duplicate' | 'conflict'> {
  const sent = {
    item_id: item.id,
    tenant_id: item.tenant,
    month: item.month,
    description: item.description,
    amount_cents: item.cents,
    taxable: item.isTaxable,
  };
  const [result] = await items.recordItems(db, [sent], ACTOR);
  if (result === undefined || result.status === 'rejected') throw new Error(JSON.stringify(result));
  return result.status;
}

export async function withdrawItem(
  db: Database,
  itemId: string,
): Promise<'withdrawn' | 'unchanged' | 'refused'> {
  const result = await items.withdrawItem(db, itemId, BY);
  if (result.outcome === 'unknown') throw new Error(`item ${itemId} is unknown`);
  if (result.outcome === 'refused') return 'refused';
  return result.isNew ? 'withdrawn' : 'unchanged';
}

/** @returns the tenants that were released by this */
export async function releaseMonth(
  db: Database,
  asked: {
    readonly month: string;
    readonly tenantIds: readonly string[];
    readonly requestId: string;
  },
): Promise<readonly string[]> {
  const { month, tenantIds, requestId } = asked;
  const { released } = await db.transaction((tx) =>
    releaseInvoices(tx, periodOf(month), { tenantIds, requestId, ...BY }),
  );
  return released.map(({ tenant_id }) => tenant_id);
}

/** Applies a seller that reviews invoices, or releases them at once. */
export async function setReview(
  db: Database,
  isReviewed: boolean,
  xero: object | null = null,
): Promise<void> {
  const seller = {
    legal_name: 'Arcadia Cloud Pty Ltd',
    abn: '80 000 000 001',
    address: ['Sydney'],
    xero,
    release: isReviewed ? 'review' : 'immediate',
  };
  await applySeller(db, { name: 'seller.json', bytes: Buffer.from(JSON.stringify(seller)) });
}

export async function assignTreatment(
  db: Database,
  { tenant, from, code }: { readonly tenant: string; readonly from: string; readonly code: string },
): Promise<void> {
  await applyTaxFile(db, {
    treatments: [],
    assignments: [{ tenant_id: tenant, treatment: code, from, replace: true }],
    gst_registrations: [],
    exchange_rates: [],
  });
}
