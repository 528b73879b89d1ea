import { readCsv, type CsvRow } from '../../lib/read-csv.ts';

/** One request of a trace. */
export interface TraceRequest {
  /** Line in the file; the header is line 1. */
  readonly line: number;
  /** Microseconds since 1970 (UTC unless the trace names a time zone), or since the start of the trace. */
  readonly micros: bigint;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface MalformedRow {
  readonly line: number;
  readonly reason: string;
}

interface Trace {
  readonly requests: readonly TraceRequest[];
  readonly malformed: readonly MalformedRow[];
}

/** The file is not a trace. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}

/** Columns and time format of a published trace. The file may have other columns, in any order. */
interface TraceFormat {
  readonly of: string;
  readonly time: string;
  readonly inputTokens: string;
  readonly outputTokens: string;
  /** Returns null if the text is not a time. */
  readonly parseMicros: (text: string) => bigint | null;
  readonly example: string;
}

const FORMATS: readonly TraceFormat[] = [
  {
    of: 'Azure LLM inference traces',
    time: 'TIMESTAMP',
    inputTokens: 'ContextTokens',
    outputTokens: 'GeneratedTokens',
    parseMicros: parseDateTime,
    example: '2023-11-16 18:17:03.9799600 or 2024-05-10 00:00:00.009930+00:00',
  },
  {
    of: 'BurstGPT',
    time: 'Timestamp',
    inputTokens: 'Request tokens',
    outputTokens: 'Response tokens',
    parseMicros: parseSeconds,
    example: '45 or 45.5 (seconds since the start of the trace)',
  },
];

const DATE_TIME =
  /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))?$/;
const SECONDS = /^(\d{1,10})(?:\.(\d{1,9}))?$/;
/** Bounded so that a charge fits into the ledger. */
const TOKENS = /^\d{1,8}$/;

/** The required columns, as text. */
export const NEEDED_COLUMNS = FORMATS.map(
  ({ of, time, inputTokens, outputTokens }) => `${time}, ${inputTokens}, ${outputTokens} (${of})`,
).join(' or ');

/**
 * Parses a request trace: CSV in the format of the Azure LLM inference traces (2023 and 2024) or BurstGPT.
 * @throws TraceError if the file isn't CSV or lacks the columns; malformed rows are returned
 */
export function parseTrace(csv: string): Trace {
  const [header, ...rows] = readCsv(
    csv,
    (reason, options) => new TraceError(`not CSV: ${reason}`, options),
  );
  const columns = header?.cells ?? [];
  const format = FORMATS.find(({ time, inputTokens, outputTokens }) =>
    [time, inputTokens, outputTokens].every((name) => columns.includes(name)),
  );
  if (!format) {
    const found = JSON.stringify(columns.join()).slice(0, 200);
    throw new TraceError(`line 1: expected the columns ${NEEDED_COLUMNS}; found ${found}`);
  }
  const requests: TraceRequest[] = [];
  const malformed: MalformedRow[] = [];
  for (const row of rows) {
    const request = readRequest(row, columns, format);
    if ('reason' in request) malformed.push(request);
    else requests.push(request);
  }
  return { requests, malformed };
}

function readRequest(
  { cells, line }: CsvRow,
  columns: readonly string[],
  { time, inputTokens, outputTokens, parseMicros, example }: TraceFormat,
): TraceRequest | MalformedRow {
  if (cells.length !== columns.length) {
    return { line, reason: `expected ${columns.length} cells, found ${cells.length}` };
  }
  const cell = (name: string) => cells[columns.indexOf(name)] ?? '';
  const micros = parseMicros(cell(time));
  if (micros === null) {
    return {
      line,
      reason: `expected ${time} such as ${example}, found ${JSON.stringify(cell(time))}`,
    };
  }
  for (const column of [inputTokens, outputTokens]) {
    if (!TOKENS.test(cell(column))) {
      return {
        line,
        reason: `expected a number of tokens in ${column}, found ${JSON.stringify(cell(column))}`,
      };
    }
  }
  return {
    line,
    micros,
    inputTokens: Number(cell(inputTokens)),
    outputTokens: Number(cell(outputTokens)),
  };
}

/** Digits below a microsecond are dropped, as in PostgreSQL. */
function parseDateTime(text: string): bigint | null {
  const [, date, time, fraction, sign, hours, minutes] = DATE_TIME.exec(text) ?? [];
  const ms = Date.parse(`${date}T${time}Z`);
  // Date.parse accepts 30 February as a day in March.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== `${date}T${time}`) {
    return null;
  }
  const eastMs =
    (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  return BigInt(ms - eastMs) * 1000n + microsOf(fraction);
}

function parseSeconds(text: string): bigint | null {
  const [, seconds, fraction] = SECONDS.exec(text) ?? [];
  return seconds === undefined ? null : BigInt(seconds) * 1_000_000n + microsOf(fraction);
}

/** @param fraction digits of a second */
function microsOf(fraction = ''): bigint {
  return BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}
