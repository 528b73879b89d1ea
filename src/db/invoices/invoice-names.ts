import { z } from 'zod';
import type { Queryable } from '../pool.ts';
import { columnArray, sql } from '../sql.ts';

/** An invoice that a text of a bank names. */
const namedInvoice = z.object({
  /** As found in the text, in lower case: banks change the case. */
  name: z.string(),
  number: z.string(),
  tenantId: z.string(),
  periodStart: z.string(),
  currency: z.string(),
});
export type NamedInvoice = z.infer<typeof namedInvoice>;

/**
 * Finds the invoices that texts name, whatever the case and whatever is in front: `INV-ACME-000001, THANKS` names
 * `acme-000001`. Adjustment notes are not invoices.
 * @returns for each text the invoices that it names, in the order of the text
 */
export async function findNamedInvoices(
  db: Queryable,
  texts: readonly string[],
): Promise<readonly (readonly NamedInvoice[])[]> {
  const candidates = texts.map(candidatesIn);
  const names = [...new Set(candidates.flat(2))];
  if (names.length === 0) return texts.map(() => []);
  const parts = names.map((name) => {
    const at = name.lastIndexOf('-');
    return { tenant: name.slice(0, at), seq: name.slice(at + 1) };
  });
  // By tenant first: there is no index on numbers in lower case.
  const found = await db.any(sql.type(namedInvoice)`
    SELECT lower(i.number) AS name, i.number, i.tenant_id AS "tenantId",
      i.period_start AS "periodStart", i.currency
    FROM unnest(${columnArray(parts.map(({ tenant }) => tenant))}::text[],
      ${columnArray(parts.map(({ seq }) => seq))}::text[]) AS c (tenant, seq)
    JOIN tenants t ON lower(t.tenant_id) = c.tenant
    JOIN invoices i ON i.number = t.tenant_id || '-' || c.seq AND i.kind = 'invoice'
    ORDER BY i.number COLLATE "C"
  `);
  const byName = Map.groupBy(found, ({ name }) => name);
  return candidates.map((places) =>
    places.flatMap((names) => {
      const name = names.find((each) => byName.has(each));
      return name === undefined ? [] : (byName.get(name) ?? []);
    }),
  );
}

/**
 * Returns what may be a number, for each place in a text: the longest first, because the text may have a prefix that is
 * joined to the tenant's id.
 */
function candidatesIn(text: string): readonly (readonly string[])[] {
  return (text.match(/[A-Za-z0-9][A-Za-z0-9._-]*-\d{6,}/g) ?? []).map((token) => {
    const name = token.toLowerCase();
    const starts = [...name.matchAll(/[._-]/g)].map(({ index }) => index + 1);
    // The last separator is the one in front of the digits.
    return [0, ...starts.slice(0, -1)].map((start) => name.slice(start));
  });
}
