import type { Failure } from '../contracts/failures.ts';
import type { InvoicedOutcome, TenantResult } from '../contracts/month-end-types.ts';
import type { TenantMonth } from '../db/invoices/drafts.ts';
import { DomainError } from '../domain/errors.ts';

/** A result of a tenant that has an invoice. */
export type Invoiced = Extract<TenantResult, { invoiceId: string }>;

/** The adjustment note of a tenant's invoice, and its total. */
export interface IssuedNote {
  readonly tenantId: string;
  readonly invoiceId: string;
  readonly noteId: string;
  readonly totalCents: number;
}

/** A result of a tenant that isn't parked. */
export type Finished = Exclude<TenantResult, { outcome: 'parked' }>;

export function invoiced(
  outcome: Exclude<InvoicedOutcome, 'adjusted'>,
  { tenantId, totalCents }: { readonly tenantId: string; readonly totalCents: number },
  invoiceId: string,
): Invoiced {
  return { tenantId, outcome, invoiceId, totalCents };
}

export function adjusted({ tenantId, invoiceId, noteId, totalCents }: IssuedNote): Invoiced {
  return { tenantId, outcome: 'adjusted', invoiceId, noteId, totalCents };
}

/** Returns the result of a run that issued the last adjustment note of the tenant's invoice; null if it didn't. */
export function adjustedBy(
  { tenantId, liveInvoiceId, noteId, noteTotalCents, noteOwner }: TenantMonth,
  owner: string,
): Invoiced | null {
  if (noteOwner !== owner || liveInvoiceId === null || noteId === null) return null;
  return adjusted({ tenantId, invoiceId: liveInvoiceId, noteId, totalCents: noteTotalCents ?? 0 });
}

export function nothingToBill(tenantId: string): Finished {
  return { tenantId, outcome: 'nothing_to_bill' };
}

export function parked(tenantId: string, failure: Failure): TenantResult {
  return { tenantId, outcome: 'parked', failure };
}

/**
 * Computes something for one tenant. Bad data (`DomainError`) parks the tenant. Anything else is thrown and retried: a
 * failed read must never look like "nothing to bill".
 */
export function orParked<T>(
  tenantId: string,
  compute: () => T,
): { readonly value: T } | { readonly parked: TenantResult } {
  try {
    return { value: compute() };
  } catch (error) {
    if (error instanceof DomainError) {
      return { parked: parked(tenantId, { type: error.code, reason: error.message }) };
    }
    throw error;
  }
}

/** Separates values from parked tenants, each in their order. */
export function splitParked<T>(
  results: readonly ({ readonly value: T } | { readonly parked: TenantResult })[],
): { readonly values: readonly T[]; readonly parked: readonly TenantResult[] } {
  return {
    values: results.flatMap((result) => ('value' in result ? [result.value] : [])),
    parked: results.flatMap((result) => ('parked' in result ? [result.parked] : [])),
  };
}
