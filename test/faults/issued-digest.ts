import type pg from 'pg';
import type { Violation } from './standing-checks.ts';

/** An issued invoice as it was seen. */
interface Seen {
  /** Of the invoice and its lines: everything but the columns that tell its status. */
  readonly digest: string;
  /** The usage that is tied to it. */
  readonly usage: readonly string[];
}

async function lookAtInvoices(client: pg.ClientBase): Promise<ReadonlyMap<string, Seen>> {
  const { rows } = await client.query<Seen & { invoice_id: string }>(`
    SELECT i.invoice_id, md5(concat(
      (to_jsonb(i) - '{status,superseded_by,superseded_at}'::text[])::text, l.lines
    )) AS digest, coalesce(u.usage, '{}') AS usage
    FROM invoices i
    LEFT JOIN (
      SELECT invoice_id, string_agg(to_jsonb(l)::text, ',' ORDER BY line_no) AS lines
      FROM invoice_lines l GROUP BY invoice_id
    ) l USING (invoice_id)
    LEFT JOIN (
      SELECT invoice_id, array_agg(concat_ws(' ', bucket_id, line_no, disposition)) AS usage
      FROM invoice_usage u GROUP BY invoice_id
    ) u USING (invoice_id)`);
  return new Map(rows.map(({ invoice_id, ...seen }) => [invoice_id, seen]));
}

/** Remembers each invoice as it was when it was first seen. */
export class IssuedWatch {
  readonly #first = new Map<string, Seen>();

  /** @returns what has changed since it was first seen */
  async look(client: pg.ClientBase): Promise<readonly Violation[]> {
    const now = await lookAtInvoices(client);
    const changed: string[] = [];
    for (const [invoiceId, first] of this.#first) {
      const found = now.get(invoiceId);
      if (found === undefined) changed.push(`invoice ${invoiceId} is gone`);
      else if (found.digest !== first.digest) {
        changed.push(`invoice ${invoiceId} or its lines have changed`);
      } else if (hasLost(found.usage, first.usage)) {
        // An invoice may gain usage that doesn't change its lines (ADR 6), but never lose any.
        changed.push(`invoice ${invoiceId} has lost usage`);
      }
    }
    for (const [invoiceId, seen] of now) {
      if (!this.#first.has(invoiceId)) this.#first.set(invoiceId, seen);
    }
    return changed.map((text) => ({ invariant: 'I4', text }));
  }
}

function hasLost(now: readonly string[], before: readonly string[]): boolean {
  const kept = new Set(now);
  return before.some((row) => !kept.has(row));
}
