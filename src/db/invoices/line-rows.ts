import { z } from 'zod';
import type { PlacedLine } from '../../domain/line-changes.ts';
import { LINE_KINDS, type JsonObject } from '../../domain/types.ts';
import { rowsAs, sql } from '../sql.ts';

/** A line of an invoice or of a draft, in the domain's terms. */
export const lineRow = z.object({
  ownerId: z.string(),
  lineNo: z.number(),
  deploymentId: z.string().nullable(),
  subscriptionId: z.string().nullable(),
  kind: z.enum(LINE_KINDS),
  resourceKind: z.string().nullable(),
  description: z.string(),
  qty: z.string(),
  unit: z.string().nullable(),
  unitPriceCents: z.string().nullable(),
  amountCents: z.number(),
  taxable: z.boolean(),
  itemId: z.string().nullable(),
  meta: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null),
});
export type LineRow = z.infer<typeof lineRow> & PlacedLine;

/** The columns of a line, apart from its invoice and its number. */
export const LINE_COLUMNS = sql.fragment`
  deployment_id AS "deploymentId", subscription_id AS "subscriptionId", kind,
  resource_kind AS "resourceKind", description, trim_scale(qty) AS qty, unit,
  trim_scale(unit_price_cents) AS "unitPriceCents", amount_cents AS "amountCents", taxable,
  item_id AS "itemId", meta
`;

const LINE = {
  draftId: 'uuid',
  lineNo: 'int4',
  deploymentId: 'text',
  subscriptionId: 'text',
  kind: 'text',
  resourceKind: 'text',
  description: 'text',
  qty: 'numeric',
  unit: 'text',
  unitPriceCents: 'numeric',
  amountCents: 'int8',
  taxable: 'bool',
  itemId: 'text',
  meta: 'jsonb',
} as const;

/** Returns a statement that inserts the lines of documents. A document has the id of its draft. */
export function insertingLines(
  documents: readonly { readonly draftId: string; readonly lines: readonly PlacedLine[] }[],
) {
  const rows = documents.flatMap(({ draftId, lines }) =>
    lines.map((line) => ({ ...line, draftId, meta: JSON.stringify(line.meta) })),
  );
  return sql.fragment`
    INSERT INTO invoice_lines (invoice_id, line_no, deployment_id, subscription_id, kind,
      resource_kind, description, qty, unit, unit_price_cents, amount_cents, taxable, item_id, meta)
    SELECT "draftId", "lineNo", "deploymentId", "subscriptionId", kind,
      "resourceKind", description, qty, unit, "unitPriceCents", "amountCents", taxable, "itemId", meta
    FROM ${rowsAs('l', LINE, rows)}`;
}
