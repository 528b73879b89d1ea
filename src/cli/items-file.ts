import type { InputFile } from '../catalogue/input-file.ts';
import { readCsv } from '../lib/read-csv.ts';
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
  const items = /\.csv$/i.test(file.name) ? readTable(file) : readJson(file);
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

function readTable({ name, bytes }: InputFile): readonly FiledItem[] {
  const text = readUtf8(bytes);
  if (!text.ok) throw new CliError(`${name}: ${sayNotUtf8('the file', text.encoding)}`);
  const toError = (reason: string, options: ErrorOptions) =>
    new CliError(`${name} is not CSV: ${reason}`, options);
  const [head, ...rows] = readCsv(text.text, toError, { trim: true });
  const columns = head?.cells ?? [];
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
  return rows.map(({ cells, line }) => {
    if (cells.length !== columns.length) {
      throw new CliError(
        `${name}, line ${line}: expected ${columns.length} cells, found ${cells.length}`,
      );
    }
    const fields = columns.map((column, index) => [column, cells[index] ?? ''] as const);
    return {
      place: `line ${line}`,
      // An empty cell is a field that is left out.
      item: Object.fromEntries(
        fields
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
