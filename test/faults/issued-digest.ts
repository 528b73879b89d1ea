import type pg from 'pg';
import type { Violation } from './standing-checks.ts';

/**
 * What an issued invoice and its lines must stay, by invoice: everything but the columns that tell
 * its status. Not which usage it holds: more may be tied to it later that changes none of its lines.
 */
export async function digestInvoices(client: pg.ClientBase): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ invoice_id: string; digest: string }>(`
    SELECT i.invoice_id, md5(concat(
      (to_jsonb(i) - '{status,superseded_by,superseded_at}'::text[])::text, l.lines
    )) AS digest
    FROM invoices i
    LEFT JOIN (
      SELECT invoice_id, string_agg(to_jsonb(l)::text, ',' ORDER BY line_no) AS lines
      FROM invoice_lines l GROUP BY invoice_id
    ) l USING (invoice_id)`);
  return new Map(rows.map(({ invoice_id, digest }) => [invoice_id, digest]));
}

/** Remembers each invoice as it was when it was first seen. */
export class IssuedWatch {
  readonly #first = new Map<string, string>();

  /** @returns what has changed since it was first seen */
  async look(client: pg.ClientBase): Promise<readonly Violation[]> {
    const now = await digestInvoices(client);
    const changed: string[] = [];
    for (const [invoiceId, digest] of this.#first) {
      const found = now.get(invoiceId);
      if (found === undefined) changed.push(`invoice ${invoiceId} is gone`);
      else if (found !== digest) changed.push(`invoice ${invoiceId} or its lines have changed`);
    }
    for (const [invoiceId, digest] of now) {
      if (!this.#first.has(invoiceId)) this.#first.set(invoiceId, digest);
    }
    return changed.map((text) => ({ invariant: 'I4', text }));
  }
}
