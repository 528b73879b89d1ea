import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { type Page, allOf, isOneOf, sql } from '../sql.ts';

/** What is owed on invoices, derived from totals, adjustment notes and payments (docs/spec.md#due-dates-and-payments). */

export const PAYMENT_STATUSES = ['unpaid', 'partly_paid', 'paid'] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** Condition on a row of `invoice_balances`: it is past its due date and not paid in full. */
function isOverdue(alias: string) {
  const column = (name: string) => sql.identifier([alias, name]);
  return sql.fragment`(${column('balance_cents')} > 0
    AND coalesce(${column('due_on')} < billing_date(now()), false))`;
}

/** Fields of an invoice's balance. Null unless the invoice counts: it is issued, and neither superseded nor void. */
export const balanceFields = {
  payment_status: z
    .enum(PAYMENT_STATUSES)
    .nullable()
    .describe(
      'Derived from total, adjustment notes and payments. Null for superseded and void invoices.',
    ),
  notes_cents: z.int().nullable().describe('The sum of the adjustment notes.'),
  paid_cents: z.int().nullable().describe('The sum of the payments, reversals deducted.'),
  balance_cents: z
    .int()
    .nullable()
    .describe('total_cents + notes_cents − paid_cents. Negative: overpaid.'),
  overdue: z.boolean().describe('The due date has passed and the balance is above 0.'),
};

/** Selects `balanceFields`, next to `JOIN_BALANCE`. */
export const BALANCE_COLUMNS = sql.fragment`
  balance.payment_status, balance.notes_cents, balance.paid_cents, balance.balance_cents,
  coalesce(${isOverdue('balance')}, false) AS overdue`;

/** Joins the balance of an invoice `i`, if it counts. */
export const JOIN_BALANCE = sql.fragment`
  LEFT JOIN invoice_balances balance ON balance.invoice_id = i.invoice_id AND balance.status = 'issued'`;

/** Conditions on an invoice's balance. */
export interface BalanceFilter {
  readonly paymentStatus?: PaymentStatus | undefined;
  /** Whether something is left to pay. */
  readonly open?: boolean | undefined;
  readonly overdue?: boolean | undefined;
}

/** The conditions of a filter, next to `JOIN_BALANCE`. */
export function balanceConditions({ paymentStatus, open, overdue }: BalanceFilter) {
  return [
    paymentStatus !== undefined && sql.fragment`balance.payment_status = ${paymentStatus}`,
    open !== undefined &&
      sql.fragment`coalesce(balance.balance_cents > 0, false) = ${open}::boolean`,
    overdue !== undefined &&
      sql.fragment`coalesce(${isOverdue('balance')}, false) = ${overdue}::boolean`,
  ].filter((condition) => condition !== false);
}

/** A sum over invoices, as text: it may be beyond 2^53. */
const sum = z.string();

export const tenantBalanceSchema = z.object({
  tenant_id: z.string(),
  currency: z.string(),
  invoices: z.int().describe('Number of issued invoices; superseded and void ones do not count.'),
  open_invoices: z.int().describe('Those of them with a balance above 0.'),
  total_cents: sum,
  notes_cents: sum,
  paid_cents: sum,
  balance_cents: sum.describe(
    'total_cents + notes_cents − paid_cents. Negative: a credit balance.',
  ),
  overdue_cents: sum.describe('The balances of overdue invoices.'),
});
export type TenantBalance = z.infer<typeof tenantBalanceSchema>;

/** The last entry of a page. */
export type TenantBalanceKey = Pick<TenantBalance, 'tenant_id' | 'currency'>;

/**
 * Returns a page of tenants' balances, of tenants with invoices, ordered by tenant.
 * @param tenantIds undefined: all tenants
 */
export function listTenantBalances(
  db: Queryable,
  tenantIds: readonly string[] | undefined,
  { after, limit }: Page<TenantBalanceKey>,
): Promise<readonly TenantBalance[]> {
  const conditions = [
    tenantIds !== undefined && sql.fragment`b.tenant_id ${isOneOf(tenantIds, 'text')}`,
    after !== null &&
      sql.fragment`(b.tenant_id, b.currency::text) > (${after.tenant_id}, ${after.currency})`,
  ];
  return db.any(sql.type(tenantBalanceSchema)`
    SELECT b.tenant_id, b.currency, count(*) AS invoices,
      count(*) FILTER (WHERE b.balance_cents > 0) AS open_invoices,
      sum(b.total_cents)::text AS total_cents, sum(b.notes_cents)::text AS notes_cents,
      sum(b.paid_cents)::text AS paid_cents, sum(b.balance_cents)::text AS balance_cents,
      coalesce(sum(b.balance_cents) FILTER (WHERE ${isOverdue('b')}), 0)::text AS overdue_cents
    FROM invoice_balances b
    WHERE b.status = 'issued' AND ${allOf(conditions)}
    GROUP BY b.tenant_id, b.currency ORDER BY b.tenant_id, b.currency LIMIT ${limit}
  `);
}

export const agingSchema = z.object({
  currency: z.string(),
  invoices: z.int().describe('Number of issued invoices.'),
  not_due_cents: sum.describe('Due today or later, or not released yet.'),
  days_1_30_cents: sum.describe('Overdue by 1 to 30 days, and so on.'),
  days_31_60_cents: sum,
  days_61_90_cents: sum,
  over_90_days_cents: sum,
  overpaid_cents: sum.describe('Balances below 0, which no other column contains.'),
  balance_cents: sum.describe('The sum of all of them.'),
});
export type Aging = z.infer<typeof agingSchema>;

/**
 * Returns what is owed today by how long it has been overdue, by currency.
 * @param periodStart first day of a month; null: of all months
 */
export function readAging(db: Queryable, periodStart: string | null): Promise<readonly Aging[]> {
  return db.any(sql.type(agingSchema)`
    SELECT currency, count(*) AS invoices,
      ${bucket(sql.fragment`balance_cents > 0 AND days <= 0`)} AS not_due_cents,
      ${bucket(sql.fragment`balance_cents > 0 AND days BETWEEN 1 AND 30`)} AS days_1_30_cents,
      ${bucket(sql.fragment`balance_cents > 0 AND days BETWEEN 31 AND 60`)} AS days_31_60_cents,
      ${bucket(sql.fragment`balance_cents > 0 AND days BETWEEN 61 AND 90`)} AS days_61_90_cents,
      ${bucket(sql.fragment`balance_cents > 0 AND days > 90`)} AS over_90_days_cents,
      ${bucket(sql.fragment`balance_cents < 0`)} AS overpaid_cents,
      sum(balance_cents)::text AS balance_cents
    FROM (
      SELECT b.currency, b.balance_cents, coalesce(billing_date(now()) - b.due_on, 0) AS days
      FROM invoice_balances b
      WHERE b.status = 'issued'
        AND (${periodStart}::date IS NULL OR b.period_start = ${periodStart}::date)
    ) owed
    GROUP BY currency ORDER BY currency
  `);
}

function bucket(condition: ReturnType<typeof sql.fragment>) {
  return sql.fragment`coalesce(sum(balance_cents) FILTER (WHERE ${condition}), 0)::text`;
}

/** Returns today in the billing time zone. */
export function readToday(db: Queryable): Promise<string> {
  return db.oneFirst(sql.type(z.object({ today: z.iso.date() }))`
    SELECT billing_date(now()) AS today
  `);
}
