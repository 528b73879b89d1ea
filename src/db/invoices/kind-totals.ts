import { sumCents } from '../../domain/cents.ts';
import { SUBTOTAL_KINDS, type SubtotalKind } from '../../domain/invoice-totals.ts';
import type { QuoteLine } from '../../domain/types.ts';
import { sql } from '../sql.ts';

/**
 * The subtotal of an invoice or adjustment note by kind of line: the columns of `invoices` that keep it. `invoices_kinds_add_up`
 * proves that they add up to the subtotal, a trigger and the verification that they are those of the lines.
 */

/** The columns' types, named as in `invoices`. */
export const KIND_COLUMNS = {
  plan_base_cents: 'int8',
  addon_cents: 'int8',
  overage_cents: 'int8',
  llm_usage_cents: 'int8',
  item_cents: 'int8',
  credit_cents: 'int8',
} as const satisfies Record<`${SubtotalKind}_cents`, 'int8'>;

type KindColumns = Record<keyof typeof KIND_COLUMNS, number>;

/**
 * Returns the values of the columns, in minor units.
 * @throws DomainError `amount_out_of_range`
 */
export function kindColumns(
  lines: readonly Pick<QuoteLine, 'kind' | 'amountCents'>[],
): KindColumns {
  const byKind = Map.groupBy(lines, ({ kind }) => kind);
  const columns = SUBTOTAL_KINDS.map((kind) => {
    const amounts = (byKind.get(kind) ?? []).map(({ amountCents }) => amountCents);
    return [`${kind}_cents`, sumCents(amounts, `The invoice's total of ${kind}`)] as const;
  });
  return Object.fromEntries(columns) as KindColumns;
}

const NAMES = Object.keys(KIND_COLUMNS);

/** Lists the columns' names. */
export const KIND_COLUMN_NAMES = sql.join(
  NAMES.map((name) => sql.identifier([name])),
  sql.fragment`, `,
);

/** Lists the columns of a row. */
export function kindsOf(alias: string) {
  return sql.join(
    NAMES.map((name) => sql.identifier([alias, name])),
    sql.fragment`, `,
  );
}

/** Selects from the lines of a document what its columns must be. */
export const KINDS_OF_LINES = sql.join(
  SUBTOTAL_KINDS.map(
    (kind) =>
      sql.fragment`coalesce(sum(amount_cents) FILTER (WHERE kind = ${kind}), 0)::bigint AS ${sql.identifier([`${kind}_cents`])}`,
  ),
  sql.fragment`, `,
);
