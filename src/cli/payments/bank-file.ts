import { hash } from 'node:crypto';
import { DomainError } from '../../domain/errors.ts';
import { parseDate } from '../../domain/period.ts';
import { readCsv, type CsvRow } from '../../lib/read-csv.ts';

/** The columns of a bank's export by what they hold. Date and amount are required. */
export const BANK_COLUMNS = [
  'date',
  'amount',
  'invoice_number',
  'reference',
  'payment_id',
] as const;
export type BankColumn = (typeof BANK_COLUMNS)[number];

/** How the file writes dates: year, month and day in the order of the letters. */
export const DATE_ORDERS = ['ymd', 'dmy', 'mdy'] as const;
export type DateOrder = (typeof DATE_ORDERS)[number];

export interface BankFormat {
  /** The headings of the columns. */
  readonly columns: Readonly<Record<BankColumn, string>>;
  readonly dateOrder: DateOrder;
}

/** A row that can be a payment. */
export interface BankRow {
  /** Line in the file; the heading is line 1. */
  readonly line: number;
  /** `2026-06-12` */
  readonly receivedOn: string;
  /** Digits with an optional minus and point, in the invoice's currency. */
  readonly amount: string;
  readonly invoiceNumber: string | null;
  readonly reference: string | null;
  /** The file's own, or derived from the row. */
  readonly paymentId: string;
}

/** A row that can't be used, and why. */
export interface BadRow {
  readonly line: number;
  readonly reason: string;
}

/** The file is not a bank's export. */
export class BankFileError extends Error {
  override readonly name = 'BankFileError';
}

/**
 * Parses a bank's export: CSV with commas, semicolons or tabs, whose first row names the columns. Other columns are
 * ignored.
 *
 * A row without an id gets one that is derived from its content, so that importing the file again, or a later export
 * that has the same rows, records nothing twice. Equal rows are counted: the second one of a file is another payment.
 * @throws BankFileError if the file isn't CSV or lacks a required column; bad rows are returned
 */
export function parseBankFile(
  text: string,
  { columns, dateOrder }: BankFormat,
): { readonly rows: readonly BankRow[]; readonly bad: readonly BadRow[] } {
  const [heading, ...records] = readRecords(text, columns);
  const names = heading?.cells.map((name) => name.trim()) ?? [];
  for (const required of ['date', 'amount'] as const) {
    if (names.includes(columns[required])) continue;
    const found = JSON.stringify(names.join(', ')).slice(0, 200);
    throw new BankFileError(`line 1: expected a column ${columns[required]}; found ${found}`);
  }
  const rows: BankRow[] = [];
  const bad: BadRow[] = [];
  const seen = new Map<string, number>();
  for (const { cells, line } of records) {
    const cell = (column: BankColumn) => cells[names.indexOf(columns[column])]?.trim() ?? '';
    const receivedOn = readDate(cell('date'), dateOrder);
    const amount = readAmount(cell('amount'));
    if (cells.length !== names.length) {
      bad.push({ line, reason: `expected ${names.length} cells, found ${cells.length}` });
    } else if (receivedOn === null) {
      const expected = `expected a date ${SHOWN[dateOrder]}`;
      bad.push({ line, reason: `${expected}, found ${JSON.stringify(cell('date'))}` });
    } else if (amount === null) {
      const found = JSON.stringify(cell('amount'));
      bad.push({ line, reason: `expected an amount such as 1234.50, found ${found}` });
    } else {
      const said = [receivedOn, amount, cell('invoice_number'), cell('reference')];
      const times = seen.get(JSON.stringify(said)) ?? 0;
      seen.set(JSON.stringify(said), times + 1);
      rows.push({
        line,
        receivedOn,
        amount,
        invoiceNumber: cell('invoice_number') || null,
        reference: cell('reference') || null,
        paymentId: cell('payment_id') || deriveId([...said, String(times)]),
      });
    }
  }
  return { rows, bad };
}

function deriveId(said: readonly string[]): string {
  return `row-${hash('sha256', JSON.stringify(said)).slice(0, 32)}`;
}

/** Delimiters that banks use; the first with which the heading has the required columns is the file's. */
const DELIMITERS = [',', ';', '\t'];

function readRecords(text: string, { date, amount }: BankFormat['columns']): readonly CsvRow[] {
  const [first = ''] = text.replace(/^\uFEFF/, '').split(/[\r\n]/, 1);
  const delimiter = DELIMITERS.find((each) => {
    const names = first.split(each).map((name) => name.trim().replaceAll(/^"|"$/g, ''));
    return [date, amount].every((name) => names.includes(name));
  });
  const toError = (reason: string, options: ErrorOptions) =>
    new BankFileError(`not CSV: ${reason}`, options);
  return readCsv(text, toError, { delimiter });
}

const SHOWN = { ymd: 'such as 2026-06-12', dmy: 'such as 12/06/2026', mdy: 'such as 06/12/2026' };

/** Returns a date with slashes, hyphens or points as `2026-06-12`; null if it isn't one. */
function readDate(text: string, order: DateOrder): string | null {
  const parts = /^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})$/.exec(text);
  if (parts === null) return null;
  const [, first = '', , second = '', third = ''] = parts;
  const byLetter = Object.fromEntries(
    [first, second, third].map((part, index) => [order[index] ?? '', part]),
  );
  const { y = '', m = '', d = '' } = byLetter;
  if (y.length !== 4 || d.length > 2) return null;
  const date = `${y}-${m.padStart(2, '0')}-${d.padStart(2, '0')}`;
  try {
    parseDate(date);
    return date;
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}

/** Returns an amount without thousands separators and plus; null if it isn't one. */
function readAmount(text: string): string | null {
  const isAmount = /^[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$/.test(text);
  return isAmount ? text.replaceAll(/[+,]/g, '') : null;
}
