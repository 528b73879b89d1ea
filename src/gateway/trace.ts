import { parse, type CsvError } from 'csv-parse/sync';

/** One request of a trace. */
export interface TraceRequest {
  /** In the file, from 1; the header is line 1. */
  readonly line: number;
  /** Microseconds since 1970, as far as the trace knows: it names no time zone, UTC is assumed. */
  readonly micros: bigint;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface MalformedRow {
  readonly line: number;
  readonly reason: string;
}

export interface Trace {
  readonly requests: readonly TraceRequest[];
  readonly malformed: readonly MalformedRow[];
}

/** The file is no trace at all. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

const COLUMNS = ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'];
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,7}))?$/;
/** No request has a hundred million tokens, and a charge has to fit the ledger. */
const TOKENS = /^\d{1,8}$/;

/**
 * Reads a request trace in the form of the Azure LLM inference traces: CSV with the columns
 * TIMESTAMP, ContextTokens, GeneratedTokens.
 * @throws TraceError
 */
export function parseTrace(csv: string): Trace {
  const [header, ...rows] = readRows(csv);
  if (header?.cells.join() !== COLUMNS.join()) {
    throw new TraceError(`line 1: expected the header ${COLUMNS.join(',')}`);
  }
  const requests: TraceRequest[] = [];
  const malformed: MalformedRow[] = [];
  for (const { cells, line } of rows) {
    const row = readRequest(cells, line);
    if ('reason' in row) malformed.push(row);
    else requests.push(row);
  }
  return { requests, malformed };
}

interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

function readRows(csv: string): Row[] {
  try {
    const records = parse(csv, {
      bom: true,
      info: true,
      // Also where a file mixes them.
      record_delimiter: ['\r\n', '\n', '\r'],
      // A row with too many or too few cells is reported like any other mistake.
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    throw new TraceError(`not CSV: ${(error as CsvError).message}`, { cause: error });
  }
}

function readRequest(cells: readonly string[], line: number): TraceRequest | MalformedRow {
  const [timestamp = '', input = '', output = ''] = cells;
  if (cells.length !== COLUMNS.length) {
    return { line, reason: `expected ${COLUMNS.length} cells, found ${cells.length}` };
  }
  const micros = parseMicros(timestamp);
  if (micros === null) {
    const reason = `TIMESTAMP ${JSON.stringify(timestamp)} is not like 2023-11-16 18:17:03.9799600`;
    return { line, reason };
  }
  for (const [column, tokens] of [
    ['ContextTokens', input],
    ['GeneratedTokens', output],
  ] as const) {
    if (!TOKENS.test(tokens)) {
      return { line, reason: `${column} ${JSON.stringify(tokens)} is not a count of tokens` };
    }
  }
  return { line, micros, inputTokens: Number(input), outputTokens: Number(output) };
}

/** The seventh digit, of 100 ns, is cut off: PostgreSQL doesn't keep it either. */
function parseMicros(timestamp: string): bigint | null {
  const [, date, time, fraction = ''] = TIMESTAMP.exec(timestamp) ?? [];
  const seconds = Date.parse(`${date}T${time}Z`);
  // Date.parse takes 30 February for a day in March.
  if (Number.isNaN(seconds) || new Date(seconds).toISOString().slice(0, 19) !== `${date}T${time}`) {
    return null;
  }
  return BigInt(seconds) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}
