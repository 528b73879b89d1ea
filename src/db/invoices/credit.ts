import { z } from 'zod';
import { assembleNote } from '../../domain/adjustment.ts';
import {
  creditsGiven,
  findCredited,
  leftToCredit,
  lineOfCredit,
  type DocumentLine,
} from '../../domain/credit.ts';
import type { ComposedInvoice } from '../../domain/compose-invoice.ts';
import { Decimal } from '../../domain/decimal.ts';
import { DomainError } from '../../domain/errors.ts';
import { formatMoney } from '../../domain/format.ts';
import { chargedTreatment, type TaxTerms } from '../../domain/invoice-totals.ts';
import { monthStart } from '../../domain/period.ts';
import type { Database, Queryable, Transaction } from '../pool.ts';
import { sql } from '../sql.ts';
import { readTaxTerms } from '../tax/tax-terms.ts';
import { lockTenants } from '../transactions.ts';
import { findGivenCredit, insertCredit, readCreditable, type Creditable } from './credit-rows.ts';

/** A credit on a line of an invoice or of one of its adjustment notes (docs/spec.md#credits). */
export interface CreditedLine {
  /** The invoice or adjustment note that has the line. */
  readonly documentId: string;
  readonly lineNo: number;
  /** Above 0, without tax. */
  readonly amountCents: number;
}

export interface CreditRequest extends CreditedLine {
  readonly reason: string;
  /** Idempotency key. */
  readonly requestId: string;
  readonly actor: string;
}

/** A credit that can be given: the adjustment note that would give it. */
export interface PlannedCredit {
  readonly outcome: 'possible';
  readonly line: { readonly number: string; readonly lineNo: number; readonly description: string };
  readonly currency: string;
  /** What can be credited on the line, this credit included, without tax. */
  readonly leftCents: number;
  readonly note: ComposedInvoice;
}

interface NoCredit {
  /** unknown: no such document or line. */
  readonly outcome: 'unknown' | 'refused';
  readonly reason: string;
}

export type CreditResult =
  | { readonly outcome: 'credited'; readonly noteId: string; readonly isNew: boolean }
  /** The request id was used for something else. */
  | { readonly outcome: 'conflict' }
  | NoCredit;

/** A line that can be credited. */
export interface CreditableLine {
  readonly outcome: 'creditable';
  readonly line: DocumentLine;
  readonly currency: string;
  /** Above 0, without tax. */
  readonly leftCents: number;
}

/** Returns how much of a line can be credited now, or why nothing can. Writes nothing. */
export async function readLeftToCredit(
  db: Queryable,
  { documentId, lineNo }: Pick<CreditedLine, 'documentId' | 'lineNo'>,
): Promise<CreditableLine | NoCredit> {
  const creditable = await readCreditable(db, documentId);
  return creditable === null ? NO_DOCUMENT : findLine(creditable, lineNo);
}

/** Returns the adjustment note that would give a credit now, or why none can. Writes nothing. */
export async function planCredit(
  db: Queryable,
  credit: CreditedLine,
): Promise<PlannedCredit | NoCredit> {
  const creditable = await readCreditable(db, credit.documentId);
  return creditable === null ? NO_DOCUMENT : plan(db, creditable, credit);
}

const NO_DOCUMENT: NoCredit = { outcome: 'unknown', reason: 'there is no such invoice' };

/**
 * Gives a credit: issues an adjustment note of one negative line. The same request id gives one credit, however often it
 * is sent. Waits for any transaction that issues a document of the same tenant, and for payments of the same invoice.
 */
export function creditLine(db: Database, credit: CreditRequest): Promise<CreditResult> {
  return db.transaction(async (tx) => {
    const known = await readCreditable(tx, credit.documentId);
    if (known === null) return NO_DOCUMENT;
    await lockTenants(tx, [known.tenantId]);
    await lockInvoice(tx, known.invoiceId);
    // Read again: it may have been adjusted, replaced or voided while we waited.
    const creditable = (await readCreditable(tx, credit.documentId)) ?? known;
    const given = await findGivenCredit(tx, creditable, credit.requestId);
    if (given !== null) {
      const wanted = { number: creditable.number, ...credit };
      const isSame =
        given.adjustsInvoiceId === creditable.invoiceId &&
        (['number', 'lineNo', 'amountCents', 'reason'] as const).every(
          (field) => given[field] === wanted[field],
        );
      return isSame
        ? { outcome: 'credited', noteId: given.noteId, isNew: false }
        : { outcome: 'conflict' };
    }
    const planned = await plan(tx, creditable, credit);
    if (planned.outcome !== 'possible') return planned;
    const noteId = await insertCredit(tx, creditable, planned.note, credit);
    return { outcome: 'credited', noteId, isNew: true };
  });
}

async function lockInvoice(tx: Transaction, invoiceId: string): Promise<void> {
  await tx.one(sql.type(z.object({ invoice_id: z.string() }))`
    SELECT invoice_id FROM invoices WHERE invoice_id = ${invoiceId}::uuid FOR UPDATE
  `);
}

async function plan(
  db: Queryable,
  creditable: Creditable,
  { lineNo, amountCents }: CreditedLine,
): Promise<PlannedCredit | NoCredit> {
  const { number, currency, tenantId, month } = creditable;
  const found = findLine(creditable, lineNo);
  if (found.outcome !== 'creditable') return found;
  const { line, leftCents } = found;
  if (amountCents > leftCents) {
    return refuse(
      `only ${formatMoney(leftCents, currency)} is left to credit on line ${lineNo} of ${number}, after reruns and ` +
        `earlier credits: ${formatMoney(amountCents, currency)} is too much`,
    );
  }
  const tax = await readTaxTerms(db, { periodStart: monthStart(month) }, { tenantId, currency });
  if (!isTaxedAsBefore(creditable, tax)) {
    return refuse(
      `the tax of ${month} has changed since the last document of ${number} was issued: force a rerun first, ` +
        'which adjusts it',
    );
  }
  try {
    const note = assembleNote([lineOfCredit(line, amountCents)], creditable.soFar, {
      ...{ month, currency, tax },
    });
    const { description } = line;
    return {
      outcome: 'possible',
      line: { number, lineNo, description },
      currency,
      leftCents,
      note,
    };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return refuse(error.message);
  }
}

function refuse(reason: string): NoCredit {
  return { outcome: 'refused', reason };
}

function findLine(creditable: Creditable, lineNo: number): CreditableLine | NoCredit {
  const { number, currency } = creditable;
  const blocked = whyNotCreditable(creditable);
  if (blocked !== null) return refuse(blocked);
  const what = `line ${lineNo} of ${number}`;
  const kind = creditable.kinds.get(lineNo);
  if (kind === 'tax') {
    return refuse(`${what} is tax, which follows from the other lines: credit one of them`);
  }
  if (kind === 'credit') return refuse(`${what} is a credit itself`);
  const line = findCredited(creditable.charged, { number, lineNo });
  if (kind === undefined || line === undefined) {
    return { outcome: 'unknown', reason: `${number} has no line ${lineNo}` };
  }
  const leftCents = leftToCredit(line, creditable.charged, creditsGiven(creditable.credits));
  if (leftCents > 0) return { outcome: 'creditable', line, currency, leftCents };
  return refuse(`nothing is left to credit on ${what}, after reruns and earlier credits`);
}

function whyNotCreditable({ invoice }: Creditable): string | null {
  const { number, status, successor } = invoice;
  if (successor !== null) return `invoice ${number} was replaced by ${successor}: credit that one`;
  return status === 'void' ? `invoice ${number} is void, so there is nothing to credit` : null;
}

/**
 * Whether the same rate is charged. Otherwise the note of a small credit would also change the tax of everything else.
 * Another code or label of the same rate changes nothing, and no rerun could make it the document's.
 */
function isTaxedAsBefore({ tax }: Creditable, terms: TaxTerms): boolean {
  return new Decimal(chargedTreatment(tax).rate).equals(chargedTreatment(terms).rate);
}
