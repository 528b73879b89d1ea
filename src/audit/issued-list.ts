import { parse, type CsvError } from 'csv-parse/sync';
import { z } from 'zod';
import type { WebhookEventType } from '../contracts/webhook-types.ts';
import { toAmount } from '../domain/format.ts';
import { explainIssue } from '../lib/explain-issue.ts';

/** An invoice or adjustment note on a list from outside the database. Null: the list doesn't say. */
export interface ListedInvoice {
  readonly number: string;
  /** Its own, also of an adjustment note. */
  readonly invoiceId: string | null;
  /** First day of the month. */
  readonly periodStart: string | null;
  readonly currency: string | null;
  /** In the currency's unit, such as `12345.67`. */
  readonly total: string | null;
  readonly status: string | null;
}

/** The file is no list of invoices. */
export class IssuedListError extends Error {
  override readonly name = 'IssuedListError';
}

/**
 * Parses a list of issued invoices: CSV with a header that names at least `number`, such as the summaries of
 * `month-end export`, or webhook bodies, a JSON object per line: only events about issued, superseded or voided
 * documents are used. Entries that appear twice are returned once.
 * @throws IssuedListError with the line of the first error
 */
export function parseIssuedList(text: string): readonly ListedInvoice[] {
  const isJson = text.trimStart().startsWith('{');
  const listed = isJson ? text.split('\n').flatMap(readBody) : readTable(text);
  return [...new Map(listed.map((invoice) => [JSON.stringify(invoice), invoice])).values()];
}

const DOCUMENT = {
  number: z.string().min(1),
  period_start: z.string(),
  currency: z.string(),
  total_cents: z.int(),
};
const BODIES = new Map(
  Object.entries({
    'invoice.issued': z.object({ ...DOCUMENT, invoice_id: z.string() }),
    'invoice.superseded': z.object({ ...DOCUMENT, invoice_id: z.string() }),
    'invoice.voided': z.object({ ...DOCUMENT, invoice_id: z.string() }),
    'adjustment_note.issued': z
      .object({ ...DOCUMENT, adjustment_note_id: z.string() })
      .transform(({ adjustment_note_id, ...note }) => ({
        ...note,
        invoice_id: adjustment_note_id,
      })),
  } satisfies Partial<Record<WebhookEventType, z.ZodType>>),
);

function readBody(line: string, index: number): ListedInvoice[] {
  if (line.trim() === '') return [];
  let body: unknown;
  try {
    body = JSON.parse(line);
  } catch {
    throw new IssuedListError(`line ${index + 1}: not JSON`);
  }
  const type = (body as { type?: unknown } | null)?.type;
  if (typeof type !== 'string') {
    throw new IssuedListError(`line ${index + 1}: not the body of a webhook: it has no type`);
  }
  const schema = BODIES.get(type);
  if (schema === undefined) return [];
  const { success, data, error } = z
    .object({ data: schema })
    .safeParse(body, { error: explainIssue });
  if (!success) {
    const [issue] = error.issues;
    throw new IssuedListError(
      `line ${index + 1}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`,
    );
  }
  const { number, invoice_id, period_start, currency, total_cents } = data.data;
  try {
    const total = toAmount(total_cents, currency);
    // The status may have changed since the other events.
    const status = type === 'invoice.voided' ? 'void' : null;
    return [{ number, invoiceId: invoice_id, periodStart: period_start, currency, total, status }];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new IssuedListError(`line ${index + 1}: ${error.message}`, { cause: error });
  }
}

function readTable(text: string): ListedInvoice[] {
  let rows: Record<string, string>[];
  try {
    rows = parse(text, { bom: true, columns: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new IssuedListError(`not CSV: ${(error as CsvError).message}`, { cause: error });
  }
  if (rows.length === 0) throw new IssuedListError('the list is empty');
  return rows.map(({ number, invoice_id, period_start, currency, total, status }, index) => {
    if (!number) {
      throw new IssuedListError(
        `entry ${index + 1} has no number: expected CSV whose header names the column number, or webhook bodies, one per line`,
      );
    }
    return {
      number,
      invoiceId: cellOf(invoice_id),
      periodStart: cellOf(period_start),
      currency: cellOf(currency),
      total: cellOf(total),
      status: cellOf(status),
    };
  });
}

function cellOf(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
