import { sizeOf, type Bench } from './lib/bench.ts';
import { insertHistory } from './lib/history-load.ts';
import { describeRun, measureMonthEnd, type MonthEndToMeasure } from './lib/measure-month-end.ts';
import { USUAL_TENANT } from './lib/population.ts';
import type { BenchDatabase } from './lib/servers.ts';

/** Whether a month end costs more with years of history in the tables. */
export const history: Bench = {
  name: 'history',
  title: 'A month end after eight years of month ends',
  sizes: {
    tenants: { full: 1000, smoke: 8 },
    months: { full: 96, smoke: 3 },
    eventsCounted: { full: 100_000_000, smoke: 1000 },
    // Stored as rows, for the last months: what can be loaded in a few minutes.
    eventsStored: { full: 5_000_000, smoke: 500 },
  },
  async run(context) {
    const tenants = sizeOf(context, 'tenants');
    const months = sizeOf(context, 'months');
    const eventsCounted = sizeOf(context, 'eventsCounted');
    const eventsStored = sizeOf(context, 'eventsStored');
    const shape = { ...USUAL_TENANT, tenants };
    const measure = async (load?: MonthEndToMeasure['load']) => {
      await using servers = await context.startServers();
      const run = await measureMonthEnd(context, servers, { shape, ...(load && { load }) });
      return { run, rows: await countRows(run.database) };
    };
    const empty = await measure();
    const full = await measure(async (client) => {
      await insertHistory(client, { months, eventsCounted, eventsStored });
      context.log(`${months} months are there`);
    });
    const msPerTenant = ({ run: { seconds } }: typeof full) => (seconds * 1000) / tenants;
    return {
      figures: [
        {
          name: `time per tenant with ${months} months in the tables`,
          measured: { value: msPerTenant(full), unit: 'ms' },
          against: { value: msPerTenant(empty), unit: 'ms', name: 'with an empty history' },
          ratio: msPerTenant(full) / msPerTenant(empty),
          bound: { atMost: 1.2 },
          note: `${describeRun(full.run)}; ${full.rows}`,
        },
      ],
    };
  },
};

/** Describes the contents of the tables. */
function countRows(database: BenchDatabase): Promise<string> {
  return database.asSuperuser(async (client) => {
    const { rows } = await client.query<{ text: string }>(`
      SELECT format('%s buckets of %s events, %s of them as rows; %s invoices, %s lines; %s',
        (SELECT count(*) FROM usage_buckets), (SELECT sum(event_count) FROM usage_buckets),
        (SELECT count(*) FROM llm_usage_events) + (SELECT count(*) FROM metered_usage_records),
        (SELECT count(*) FROM invoices), (SELECT count(*) FROM invoice_lines),
        pg_size_pretty(pg_database_size(current_database()))) AS text`);
    return rows[0]?.text ?? '';
  });
}
