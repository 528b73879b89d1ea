import { z } from 'zod';
import { ITEM_STATES } from '../../domain/item-state.ts';
import { monthStart, type Month } from '../../domain/period.ts';
import type { Queryable } from '../pool.ts';
import { allOf, sql, type Page } from '../sql.ts';
import { INVOICE_STATUSES } from './invoice-views.ts';

/** Reads invoice items for the API and the CLI. Fields have the names that the API serves. */

/** An invoice item, as the API serves it. */
export const itemSchema = z.object({
  item_id: z.string(),
  tenant_id: z.string(),
  month: z
    .string()
    .describe('The first month whose invoice can take it.')
    .meta({ example: '2026-05' }),
  description: z.string(),
  currency: z.string(),
  amount_cents: z.int().describe('A credit is negative.'),
  taxable: z.boolean(),
  state: z
    .enum(ITEM_STATES)
    .describe(
      '`pending`: no invoice takes it yet. `partly_applied`: a credit of which invoices take a part. `applied`: invoices ' +
        'take all of it. `voided`: a void invoice holds it until a forced rerun. `withdrawn`: no invoice will take it.',
    )
    .meta({ example: 'pending' }),
  applied_cents: z.int().describe('What live invoices take of it.'),
  rest_cents: z.int().describe('What waits for a later invoice. 0 if it was withdrawn.'),
  invoices: z
    .array(
      z.object({
        invoice_id: z.uuid(),
        number: z.string(),
        month: z.string(),
        status: z.enum(INVOICE_STATUSES),
        amount_cents: z.int().describe('What it takes of the item.'),
      }),
    )
    .describe('The live invoices that take it, in the order of their months.'),
  actor: z.string(),
  recorded_at: z.iso.datetime(),
  withdrawal: z
    .object({ actor: z.string(), reason: z.string(), withdrawn_at: z.iso.datetime() })
    .nullable(),
});

const listed = itemSchema.extend({ item_seq: z.number() });
/** An invoice item with its place in the list. */
export type ListedItem = z.infer<typeof listed>;

/** Returns an item as the API serves it, without its place in the list. */
export function toItemView({ item_seq: _, ...item }: ListedItem): z.infer<typeof itemSchema> {
  return item;
}

export interface ItemFilter {
  readonly tenantId?: string | undefined;
  readonly month?: Month | undefined;
  /** `waiting`: what later invoices will take, or a void one holds. */
  readonly state?: (typeof ITEM_STATES)[number] | 'waiting' | undefined;
}

const INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"';

const ITEMS = sql.fragment`
  SELECT it.item_seq, it.item_id, it.tenant_id, to_char(it.period_start, 'YYYY-MM') AS month,
    it.description, t.currency, it.amount_cents, it.taxable,
    CASE WHEN it.withdrawn_at IS NOT NULL THEN 'withdrawn'
      WHEN taken.is_void THEN 'voided'
      WHEN it.applied_cents = it.amount_cents THEN 'applied'
      WHEN it.applied_cents <> 0 THEN 'partly_applied'
      ELSE 'pending' END AS state,
    it.applied_cents,
    CASE WHEN it.withdrawn_at IS NULL THEN it.amount_cents - it.applied_cents ELSE 0 END AS rest_cents,
    taken.invoices, it.actor, it.recorded_at,
    CASE WHEN it.withdrawn_at IS NOT NULL THEN jsonb_build_object('actor', it.withdrawn_by,
      'reason', it.withdraw_reason,
      'withdrawn_at', to_char(it.withdrawn_at, ${INSTANT})) END AS withdrawal
  FROM invoice_items it JOIN tenants t USING (tenant_id)
  CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(i.status = 'void'), false) AS is_void,
      coalesce(jsonb_agg(jsonb_build_object('invoice_id', i.invoice_id, 'number', i.number,
        'month', to_char(i.period_start, 'YYYY-MM'), 'status', i.status,
        'amount_cents', l.amount_cents) ORDER BY i.period_start), '[]') AS invoices
    FROM invoice_lines l JOIN invoices i USING (invoice_id)
    WHERE l.item_id = it.item_id AND i.superseded_by IS NULL
  ) taken`;

/**
 * Condition: later invoices will take the item or a part of it, or a void one holds it. Both are few, whatever was ever
 * billed, and have an index. An array, because the planner would expect nearly all items, and read them.
 */
const WAITS = sql.fragment`it.item_id = ANY(ARRAY(
    SELECT u.item_id FROM invoice_items u WHERE u.withdrawn_at IS NULL AND u.applied_cents <> u.amount_cents
    UNION ALL
    SELECT l.item_id FROM invoices i CROSS JOIN LATERAL (
      SELECT item_id FROM invoice_lines WHERE invoice_id = i.invoice_id AND item_id IS NOT NULL OFFSET 0
    ) l
    WHERE i.status = 'void' AND i.superseded_by IS NULL
  ))`;

/** Returns a page of items, latest first. */
export function listItems(
  db: Queryable,
  { tenantId, month, state }: ItemFilter,
  { after, limit }: Page<number>,
): Promise<readonly ListedItem[]> {
  const conditions = [
    tenantId !== undefined && sql.fragment`x.tenant_id = ${tenantId}`,
    month !== undefined && sql.fragment`x.month = ${month}`,
    state !== undefined && state !== 'waiting' && sql.fragment`x.state = ${state}`,
    after !== null && sql.fragment`x.item_seq < ${after}`,
  ];
  return db.any(sql.type(listed)`
    SELECT * FROM (${ITEMS} WHERE ${state === 'waiting' ? WAITS : sql.fragment`true`}) x WHERE ${allOf(conditions)} ORDER BY x.item_seq DESC LIMIT ${limit}
  `);
}

/** Returns an item; null if it doesn't exist. */
export function showItem(db: Queryable, itemId: string): Promise<ListedItem | null> {
  return db.maybeOne(sql.type(listed)`${ITEMS} WHERE it.item_id = ${itemId}`);
}

const waiting = z.object({ items: z.number(), voided: z.number() });

/** Counts items of a month or an earlier one that wait for an invoice, and those that a void invoice holds. */
export function countWaitingItems(db: Queryable, month: Month): Promise<z.infer<typeof waiting>> {
  return db.one(sql.type(waiting)`
    SELECT count(*) AS items, count(*) FILTER (WHERE x.state = 'voided') AS voided
    FROM (${ITEMS} WHERE it.period_start <= ${monthStart(month)} AND ${WAITS}) x
  `);
}
