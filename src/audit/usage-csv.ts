import { stringify } from 'csv-stringify/sync';
import { toCell } from '../lib/csv.ts';
import type { Queryable } from '../db/pool.ts';
import type { AttributeSum } from '../db/usage/usage-breakdown.ts';
import { listEventsBehind, type EventBehindLine } from '../db/usage/provenance.ts';

/** Events that are read and written together; limits memory use. */
const PAGE_SIZE = 10_000;

/** The columns, in order. */
export const USAGE_CSV_HEADERS = [
  'event_id',
  'occurred_at',
  'received_at',
  'model',
  'input_tokens',
  'output_tokens',
  'qty',
  'replaces',
  'attributes',
  'amount',
  'excluded',
  'content_hash',
] as const satisfies readonly (keyof EventBehindLine)[];

/** Columns with text that a sender chose, which a spreadsheet could interpret as a formula. */
const TEXTS: ReadonlySet<string> = new Set(['event_id', 'model', 'replaces']);

/** The columns of sums by model or by an attribute, in order. */
export const BREAKDOWN_CSV_HEADERS = [
  'by',
  'value',
  'is_rest',
  'requests',
  'exact_cents',
  'currency',
];

/** Returns the sums of an invoice line by model or by an attribute as CSV (RFC 4180). */
export function breakdownCsv(currency: string, by: string, sums: readonly AttributeSum[]): string {
  const rows = sums.map(({ value, is_rest, requests, exact_cents }) => [
    by,
    value === null ? null : toCell(value),
    String(is_rest),
    requests,
    exact_cents,
    currency,
  ]);
  return stringify([BREAKDOWN_CSV_HEADERS, ...rows], { record_delimiter: 'windows' });
}

/** Streams the events behind an invoice line as CSV (RFC 4180). */
export async function* streamUsageCsv(
  db: Queryable,
  invoiceId: string,
  lineNo: number,
): AsyncGenerator<string> {
  yield stringify([[...USAGE_CSV_HEADERS]], { record_delimiter: 'windows' });
  let after: string | null = null;
  do {
    const page = { after, limit: PAGE_SIZE };
    const events: readonly EventBehindLine[] = await listEventsBehind(db, invoiceId, lineNo, page);
    if (events.length > 0) yield toCsv(events);
    after = events.length < PAGE_SIZE ? null : (events.at(-1)?.event_id ?? null);
  } while (after !== null);
}

function toCsv(events: readonly EventBehindLine[]): string {
  return stringify([...events], {
    columns: [...USAGE_CSV_HEADERS],
    record_delimiter: 'windows',
    cast: {
      // Only these columns are escaped, because amounts can start with a minus.
      string: (value, { column }) => (TEXTS.has(String(column)) ? toCell(value) : value),
    },
  });
}
