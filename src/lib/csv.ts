import { stringify } from 'csv-stringify/sync';
import { visible } from './visible-text.ts';

/** A column of a table. */
export interface CsvColumn<Row> {
  readonly head: string;
  readonly value: (row: Row) => string | number | null;
  /** Whether the value is a text from outside, which a spreadsheet could read as a formula. */
  readonly isText?: boolean;
}

/** Returns the header row of a table as CSV (RFC 4180). */
export function csvHead<Row>(columns: readonly CsvColumn<Row>[]): string {
  return toCsv([columns.map(({ head }) => head)]);
}

/** Returns rows of a table as CSV. */
export function csvRows<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  return toCsv(
    rows.map((row) =>
      columns.map(({ value, isText = false }) => {
        const cell = value(row);
        // Amounts can start with a minus, so only texts are escaped.
        return isText && typeof cell === 'string' ? toCell(cell) : cell;
      }),
    ),
  );
}

/** Returns a text with its hidden characters shown, and with an apostrophe in front if a spreadsheet would compute it. */
export function toCell(text: string): string {
  const shown = visible(text);
  return /^[=+\-@＝＋－＠]/.test(shown) ? `'${shown}` : shown;
}

function toCsv(rows: (string | number | null)[][]): string {
  return stringify(rows, { record_delimiter: 'windows' });
}
