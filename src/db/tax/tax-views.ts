import { z } from 'zod';
import { monthStart } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { type Page, allOf, sql } from '../sql.ts';
import {
  LATEST_ASSIGNMENTS,
  LATEST_EXCHANGE_RATES,
  LATEST_REGISTRATIONS,
} from './latest-entries.ts';

/** Reads tax data for the API and the CLI. Fields are named as in a tax file; a corrected entry shows its last value. */

const month = z.string().meta({ example: '2026-05' });

export const treatmentSchema = z
  .object({
    code: z.string(),
    label: z.string(),
    rate: z.string(),
    note: z.string().nullable(),
  })
  .meta({
    example: {
      code: 'nz-export',
      label: 'GST',
      rate: '0',
      note: 'GST-free: supplied to a business outside Australia.',
    },
  });
export type TreatmentView = z.infer<typeof treatmentSchema>;

export const assignmentSchema = z.object({
  tenant_id: z.string(),
  from: month.describe('The first month that is taxed by it.'),
  treatment: z.string().meta({ example: 'nz-export' }),
});
export type AssignmentView = z.infer<typeof assignmentSchema>;
export type AssignmentKey = Pick<AssignmentView, 'tenant_id' | 'from'>;

export const registrationSchema = z.object({
  from: month.describe('The first month that it holds for.'),
  registered: z.boolean(),
});
export type RegistrationView = z.infer<typeof registrationSchema>;

export const exchangeRateSchema = z.object({
  from: z.string().meta({ example: 'USD' }),
  to: z.string().meta({ example: 'AUD' }),
  month,
  rate: z
    .string()
    .describe('How many units of `to` one unit of `from` is worth.')
    .meta({ example: '1.5321' }),
  source: z.string().meta({ example: 'RBA, average of the month' }),
});
export type ExchangeRateView = z.infer<typeof exchangeRateSchema>;
export type ExchangeRateKey = Pick<ExchangeRateView, 'month' | 'from' | 'to'>;

/** Returns a page of the treatments, ordered by code. */
export function listTreatments(
  db: Queryable,
  { after, limit }: Page<string>,
): Promise<readonly TreatmentView[]> {
  return db.any(sql.type(treatmentSchema)`
    SELECT treatment_code AS code, label, rate::text AS rate, note FROM tax_treatments
    WHERE ${allOf([after !== null && sql.fragment`treatment_code > ${after}`])}
    ORDER BY treatment_code LIMIT ${limit}
  `);
}

/**
 * Returns a page of which treatment tenants have from which month on, ordered by tenant and month.
 * @param tenantId undefined: of all tenants
 */
export function listAssignments(
  db: Queryable,
  tenantId: string | undefined,
  { after, limit }: Page<AssignmentKey>,
): Promise<readonly AssignmentView[]> {
  const conditions = [
    tenantId !== undefined && sql.fragment`tenant_id = ${tenantId}`,
    after !== null &&
      sql.fragment`(tenant_id, from_month) > (${after.tenant_id}, ${monthStart(after.from)}::date)`,
  ];
  return db.any(sql.type(assignmentSchema)`
    SELECT tenant_id, "from", treatment FROM ${LATEST_ASSIGNMENTS} a WHERE ${allOf(conditions)}
    ORDER BY tenant_id, from_month LIMIT ${limit}
  `);
}

const tenantTax = treatmentSchema.extend({ from: z.string() });
/** A tax treatment of a tenant, and the first month that is taxed by it. */
export type TenantTax = z.infer<typeof tenantTax>;

/** Returns the treatments that a tenant has, by month. Before the first one it has `gst`. */
export function listTenantTax(db: Queryable, tenantId: string): Promise<readonly TenantTax[]> {
  return db.any(sql.type(tenantTax)`
    SELECT a."from", t.treatment_code AS code, t.label, t.rate::text AS rate, t.note
    FROM ${LATEST_ASSIGNMENTS} a JOIN tax_treatments t ON t.treatment_code = a.treatment
    WHERE a.tenant_id = ${tenantId} ORDER BY a.from_month
  `);
}

/** Returns what is recorded of the seller's registration for GST, by month. */
export function listRegistrations(db: Queryable): Promise<readonly RegistrationView[]> {
  return db.any(sql.type(registrationSchema)`
    SELECT "from", registered FROM ${LATEST_REGISTRATIONS} g ORDER BY from_month
  `);
}

/**
 * Returns a page of the exchange rates, newest month first.
 * @param month undefined: of all months
 */
export function listExchangeRates(
  db: Queryable,
  month: string | undefined,
  { after, limit }: Page<ExchangeRateKey>,
): Promise<readonly ExchangeRateView[]> {
  const conditions = [
    month !== undefined && sql.fragment`month_start = ${monthStart(month)}`,
    after !== null && isAfterRate(after),
  ];
  return db.any(sql.type(exchangeRateSchema)`
    SELECT "from", "to", month, rate, source FROM ${LATEST_EXCHANGE_RATES} x WHERE ${allOf(conditions)}
    ORDER BY month_start DESC, "from", "to" LIMIT ${limit}
  `);
}

function isAfterRate({ month, from, to }: ExchangeRateKey) {
  const start = sql.fragment`${monthStart(month)}::date`;
  return sql.fragment`(
    month_start < ${start} OR (month_start = ${start} AND ("from", "to") > (${from}, ${to})))`;
}
