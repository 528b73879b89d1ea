import { stringify } from 'csv-stringify/sync';
import { visible } from './visible-text.ts';

/** A column of a table: its head, what it says of a row, and whether somebody outside chose the text. */
export interface CsvColumn<Row> {
  readonly head: string;
  readonly value: (row: Row) => string | number | null;
  /** A spreadsheet could take such a text for a formula. */
  readonly isText?: boolean;
}

/** The heads of a table as CSV (RFC 4180). */
export function csvHead<Row>(columns: readonly CsvColumn<Row>[]): string {
  return toCsv([columns.map(({ head }) => head)]);
}

/** Rows of a table as CSV. */
export function csvRows<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  return toCsv(
    rows.map((row) =>
      columns.map(({ value, isText = false }) => {
        const cell = value(row);
        // Amounts can start with a minus: only texts are escaped.
        return isText && typeof cell === 'string' ? toCell(cell) : cell;
      }),
    ),
  );
}

/** A text with its hidden characters shown, and with an apostrophe before what a spreadsheet would compute. */
export function toCell(text: string): string {
  const shown = visible(text);
  return /^[=+\-@＝＋－＠]/.test(shown) ? `'${shown}` : shown;
}

function toCsv(rows: (string | number | null)[][]): string {
  return stringify(rows, { record_delimiter: 'windows' });
}
