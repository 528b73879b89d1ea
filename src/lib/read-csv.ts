import { parse, type CsvError } from 'csv-parse/sync';

/** A row of a CSV file. */
export interface CsvRow {
  readonly cells: readonly string[];
  /** Line in the file; the first is line 1. */
  readonly line: number;
}

export interface CsvOptions {
  readonly delimiter?: string | undefined;
  /** Whether white space around cells is removed. */
  readonly trim?: boolean;
}

/**
 * Reads CSV with any line ends, also mixed, and with or without a byte order mark. Skips empty lines. Rows may have
 * too many or too few cells: the caller reports them.
 * @param toError makes the caller's error if the text isn't CSV
 */
export function readCsv(
  text: string,
  toError: (reason: string, options: ErrorOptions) => Error,
  { delimiter = ',', trim = false }: CsvOptions = {},
): readonly CsvRow[] {
  try {
    const records = parse(text, {
      bom: true,
      delimiter,
      info: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      trim,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (cause) {
    throw toError((cause as CsvError).message, { cause });
  }
}
