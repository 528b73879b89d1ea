import type pg from 'pg';

/** A table of the ledger and its id column. */
export interface LedgerTable {
  readonly name: 'llm_usage_events' | 'metered_usage_records';
  readonly id: 'gateway_request_id' | 'record_id';
}

/** Rows of one statement, with each column as the text of an array. */
export interface RowArrays {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly chunks: readonly (readonly string[])[];
}

const ROWS_PER_STATEMENT = 1_000;

/** Reads the rows whose ids have this prefix, in physical order. */
export async function readRows(
  client: pg.Client,
  table: LedgerTable,
  idPrefix: string,
): Promise<RowArrays> {
  const { rows: columns } = await client.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table.name],
  );
  const arrays = columns.map(({ name }) => `array_agg(${name} ORDER BY place)::text`);
  const { rows: chunks } = await client.query<string[]>({
    text: `SELECT ${arrays.join(', ')}
      FROM (
        SELECT *, row_number() OVER (ORDER BY ctid) - 1 AS place FROM ${table.name}
        WHERE starts_with(${table.id}, $1)
      ) row
      GROUP BY place / ${ROWS_PER_STATEMENT}`,
    values: [idPrefix],
    rowMode: 'array',
  });
  return { columns, chunks };
}

/** Creates an empty table with the same columns, constraints and indexes, without triggers and row level security. */
export async function createBareTable(
  client: pg.Client,
  like: LedgerTable,
  suffix: string,
): Promise<string> {
  const name = `${like.name}_${suffix}`;
  await client.query(`CREATE TABLE ${name} (LIKE ${like.name} INCLUDING ALL)`);
  return name;
}

/**
 * Writes rows with one bare statement per 1,000 rows: no validation, no bucket, no answer.
 * @returns the duration in seconds
 */
export async function insertBare(
  clients: readonly pg.Client[],
  table: string,
  { columns, chunks }: RowArrays,
): Promise<number> {
  const names = columns.map(({ name }) => name).join(', ');
  const arrays = columns.map(({ type }, at) => `$${at + 1}::${type}[]`).join(', ');
  const text = `INSERT INTO ${table} (${names}) SELECT ${names} FROM unnest(${arrays}) AS row (${names})`;
  const waiting = [...chunks];
  const startedAt = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let values; (values = waiting.shift()) !== undefined;) {
        await client.query({ name: `insert-${table}`, text, values: [...values] });
      }
    }),
  );
  return (performance.now() - startedAt) / 1000;
}
