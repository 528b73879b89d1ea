import { z } from 'zod';
import type { Queryable, Transaction } from '../pool.ts';
import { jsonRows, sql, textArray } from '../sql.ts';
import {
  firstDays,
  LATEST_ASSIGNMENTS,
  LATEST_EXCHANGE_RATES,
  LATEST_REGISTRATIONS,
} from './latest-entries.ts';
import {
  exchangeRateSchema,
  registrationSchema,
  treatmentSchema,
  type TreatmentView,
} from './tax-views.ts';

/**
 * Reads and writes tax data (docs/spec.md#tax). Rows never change. Months are texts such as `2026-05`.
 */

export type StoredTreatment = TreatmentView;

const assignment = z.object({
  tenantId: z.string(),
  from: z.string(),
  entry: z.number(),
  treatment: z.string(),
});
export type StoredAssignment = z.infer<typeof assignment>;

const registration = registrationSchema.extend({ entry: z.number() });
export type StoredRegistration = z.infer<typeof registration>;

const exchangeRate = exchangeRateSchema.extend({ entry: z.number() });
export type StoredExchangeRate = z.infer<typeof exchangeRate>;

/** Returns the treatments with these codes. */
export function findTreatments(
  db: Queryable,
  codes: readonly string[],
): Promise<readonly StoredTreatment[]> {
  return db.any(sql.type(treatmentSchema)`
    SELECT treatment_code AS code, label, rate::text AS rate, note
    FROM tax_treatments WHERE treatment_code = ANY (${textArray(codes)})
  `);
}

/** Returns all assignments of these tenants, by tenant and month. */
export function findAssignments(
  db: Queryable,
  tenantIds: readonly string[],
): Promise<readonly StoredAssignment[]> {
  return db.any(sql.type(assignment)`
    SELECT tenant_id AS "tenantId", "from", entry, treatment FROM ${LATEST_ASSIGNMENTS} a
    WHERE tenant_id = ANY (${textArray(tenantIds)}) ORDER BY tenant_id, from_month
  `);
}

/** Returns what is recorded of the seller's registration for GST, by month. */
export function readRegistrations(db: Queryable): Promise<readonly StoredRegistration[]> {
  return db.any(sql.type(registration)`
    SELECT "from", entry, registered FROM ${LATEST_REGISTRATIONS} g ORDER BY from_month
  `);
}

/** Returns the rates of these months. */
export function findExchangeRates(
  db: Queryable,
  months: readonly string[],
): Promise<readonly StoredExchangeRate[]> {
  return db.any(sql.type(exchangeRate)`
    SELECT "from", "to", month, entry, rate, source FROM ${LATEST_EXCHANGE_RATES} x
    WHERE month_start = ANY (${firstDays(months)}) ORDER BY month_start, "from", "to"
  `);
}

export async function insertTreatments(
  tx: Transaction,
  rows: readonly StoredTreatment[],
): Promise<void> {
  if (rows.length === 0) return;
  // The rate arrives as text: inside JSON it would be a float.
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO tax_treatments (treatment_code, label, rate, note)
    SELECT code, label, rate::numeric, note FROM json_to_recordset(${jsonRows(rows)})
      AS t (code text, label text, rate text, note text)
  `);
}

export async function insertAssignments(
  tx: Transaction,
  rows: readonly StoredAssignment[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO tenant_tax_treatments (tenant_id, from_month, entry, treatment_code)
    SELECT "tenantId", ("from" || '-01')::date, entry, treatment FROM json_to_recordset(${jsonRows(rows)})
      AS t ("tenantId" text, "from" text, entry int, treatment text)
  `);
}

export async function insertRegistrations(
  tx: Transaction,
  rows: readonly StoredRegistration[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO gst_registrations (from_month, entry, registered)
    SELECT ("from" || '-01')::date, entry, registered FROM json_to_recordset(${jsonRows(rows)})
      AS t ("from" text, entry int, registered boolean)
  `);
}

export async function insertExchangeRates(
  tx: Transaction,
  rows: readonly StoredExchangeRate[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(sql.typeAlias('nothing')`
    INSERT INTO exchange_rates (from_currency, to_currency, month, entry, rate, source)
    SELECT "from", "to", (month || '-01')::date, entry, rate::numeric, source
    FROM json_to_recordset(${jsonRows(rows)})
      AS t ("from" text, "to" text, month text, entry int, rate text, source text)
  `);
}
