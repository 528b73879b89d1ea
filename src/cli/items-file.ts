import { parse, type CsvError } from 'csv-parse/sync';
import type { InputFile } from '../catalogue/input-file.ts';
import {
  readStrictJson,
  readUtf8,
  sayMistake,
  sayNotUtf8,
  withoutBom,
} from '../lib/strict-bytes.ts';
import { CliError } from './cli-error.ts';

/** Reads files of invoice items: JSON as the API takes it, or CSV with the same fields as columns. */

/** An item as it is in the file, and where. */
export interface FiledItem {
  /** `line 2` of a CSV file, `item 1` of a JSON file. */
  readonly place: string;
  readonly item: unknown;
}

const REQUIRED = ['item_id', 'tenant_id', 'month', 'description', 'amount_cents'];
const COLUMNS = [...REQUIRED, 'taxable', 'currency'];

/** @throws CliError if the file is neither, or has no items */
export function readItemsFile(file: InputFile): readonly FiledItem[] {
  const items = /\.csv$/i.test(file.name) ? readCsv(file) : readJson(file);
  if (items.length === 0) throw new CliError(`${file.name} has no items`);
  return items;
}

function readJson({ name, bytes }: InputFile): readonly FiledItem[] {
  const read = readStrictJson(withoutBom(bytes));
  if (!read.ok) throw new CliError(`${name}: ${sayMistake('the file', read)}`);
  const { value } = read;
  const items = Array.isArray(value) ? (value as unknown[]) : itemsOf(value);
  if (items === null) {
    throw new CliError(`${name}: expected a list of items, or an object whose "items" is one`);
  }
  return items.map((item, index) => ({ place: `item ${index + 1}`, item }));
}

function itemsOf(value: unknown): readonly unknown[] | null {
  if (typeof value !== 'object' || value === null || !('items' in value)) return null;
  return Array.isArray(value.items) && Object.keys(value).length === 1 ? value.items : null;
}

function readCsv({ name, bytes }: InputFile): readonly FiledItem[] {
  const text = readUtf8(withoutBom(bytes));
  if (!text.ok) throw new CliError(`${name}: ${sayNotUtf8('the file', text.encoding)}`);
  const [head, ...rows] = readRows(name, text.text);
  const columns = head?.record ?? [];
  const wrong = [
    ...REQUIRED.filter((column) => !columns.includes(column)).map((one) => `${one} is missing`),
    ...columns.filter((column) => !COLUMNS.includes(column)).map((one) => `${one} is unknown`),
    ...columns
      .filter((column, index) => columns.indexOf(column) !== index)
      .map((one) => `${one} appears twice`),
  ];
  if (wrong.length > 0) {
    const hint = `expected the columns ${REQUIRED.join(', ')}, and if needed taxable and currency`;
    throw new CliError(`${name}: ${wrong.join(', ')}; ${hint}`);
  }
  return rows.map(({ record, info }) => {
    if (record.length !== columns.length) {
      throw new CliError(
        `${name}, line ${info.lines}: expected ${columns.length} cells, found ${record.length}`,
      );
    }
    const cells = columns.map((column, index) => [column, record[index] ?? ''] as const);
    return {
      place: `line ${info.lines}`,
      // An empty cell is a field that is left out.
      item: Object.fromEntries(
        cells
          .filter(([, cell]) => cell !== '')
          .map(([column, cell]) => [column, valueOf(column, cell)]),
      ),
    };
  });
}

/** Returns a cell as the field's type, or as text, which validation then rejects. */
function valueOf(column: string, cell: string): unknown {
  if (column === 'amount_cents' && /^-?\d{1,16}$/.test(cell)) return Number(cell);
  if (column === 'taxable' && /^(true|false)$/.test(cell)) return cell === 'true';
  return cell;
}

interface CsvRow {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

function readRows(name: string, text: string): readonly CsvRow[] {
  try {
    return parse(text, {
      info: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as CsvRow[];
  } catch (error) {
    throw new CliError(`${name} is not CSV: ${(error as CsvError).message}`, { cause: error });
  }
}
