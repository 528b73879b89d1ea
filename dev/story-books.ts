import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';

/** Reads back what `month-end export` wrote, and adds it up. */

/** A file of a table: its rows, by column. */
type Table = readonly Readonly<Record<string, string>>[];

/** Totals in cents. */
export interface BookTotals {
  readonly documents: number;
  readonly subtotal: number;
  readonly tax: number;
  readonly total: number;
}

/** Adds up a table of documents: the summary of invoices, or that of adjustment notes. */
export function addUp(rows: Table): BookTotals {
  return {
    documents: rows.length,
    subtotal: sumOf(rows, 'subtotal'),
    tax: sumOf(rows, 'tax'),
    total: sumOf(rows, 'total'),
  };
}

/**
 * Adds up the files for Xero. They have a row per line, without tax, which Xero adds itself.
 * @returns the sum of their amounts, and the numbers of their documents
 */
export function addUpXero(rows: Table): {
  readonly amount: number;
  readonly numbers: readonly string[];
} {
  return {
    amount: sumOf(rows, '*UnitAmount'),
    numbers: [...new Set(rows.map((row) => row['*InvoiceNumber'] ?? ''))].sort(),
  };
}

function sumOf(rows: Table, column: string): number {
  return rows.reduce((total, row) => total + centsOf(row[column] ?? ''), 0);
}

/** Returns an amount such as `-12.50` in cents. */
export function centsOf(amount: string): number {
  if (!/^-?\d+\.\d\d$/.test(amount)) throw new Error(`"${amount}" is not an amount`);
  return Number(amount.replace('.', ''));
}

/** Reads all tables of a folder whose name matches, in order of their names. */
export function readTables(folder: string, name: RegExp): Table {
  return readdirSync(folder)
    .filter((file) => name.test(file))
    .sort()
    .flatMap((file) => parse(readFileSync(join(folder, file), 'utf8'), { columns: true }) as Table);
}
