import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { sizeOf, type Bench, type BenchContext } from './lib/bench.ts';
import { invoiceInALoop, prepareLoop } from './lib/invoice-in-a-loop.ts';
import { invoiceTenant } from './lib/invoice-tenant.ts';
import { insertPopulation, settle, USUAL_TENANT } from './lib/population.ts';
import { openProduct } from './lib/product.ts';
import type { BenchDatabase, BenchServers } from './lib/servers.ts';

const TENANT = 'tenant-000001';

/** What set-based statements save a tenant with thousands of subscriptions. */
export const largeTenant: Bench = {
  name: 'large-tenant',
  title: 'One tenant with thousands of subscriptions',
  sizes: { subscriptions: { full: 5000, smoke: 20 } },
  async run(context) {
    const subscriptions = sizeOf(context, 'subscriptions');
    await using servers = await context.startServers();
    const product = await byProduct(context, servers, subscriptions);
    const loop = await inALoop(context, servers, subscriptions);
    if (product.content !== loop.content) throw new Error('the two invoices are not the same');
    return {
      figures: [
        {
          name: 'from nothing to the issued invoice',
          measured: { value: product.seconds, unit: 's' },
          against: { value: loop.seconds, unit: 's', name: 'a loop with a query for each step' },
          ratio: loop.seconds / product.seconds,
          bound: { atLeast: 6 },
          note: `${subscriptions} subscriptions, ${product.lines} lines; the ratio says how much faster; the two invoices are the same`,
        },
      ],
    };
  },
};

interface Invoiced {
  readonly seconds: number;
  readonly lines: number;
  /** A hash of all lines and their usage. */
  readonly content: string;
}

async function byProduct(
  context: BenchContext,
  servers: BenchServers,
  subscriptions: number,
): Promise<Invoiced> {
  const database = await populate(context, servers, subscriptions);
  await using product = await openProduct(database, await servers.claimNamespace());
  const seconds = await time(() => invoiceTenant(product.activities, TENANT));
  context.log(`by the product: ${seconds.toFixed(2)} s`);
  return { seconds, ...(await readInvoice(database)) };
}

async function inALoop(
  context: BenchContext,
  servers: BenchServers,
  subscriptions: number,
): Promise<Invoiced> {
  const database = await populate(context, servers, subscriptions);
  await database.asSuperuser(prepareLoop);
  const client = new pg.Client({ connectionString: database.workerUrl });
  await client.connect();
  try {
    const seconds = await time(() => invoiceInALoop(client, TENANT));
    context.log(`in a loop: ${seconds.toFixed(2)} s`);
    return { seconds, ...(await readInvoice(database)) };
  } finally {
    await client.end();
  }
}

async function populate(
  { seed }: BenchContext,
  servers: BenchServers,
  subscriptionsPerTenant: number,
): Promise<BenchDatabase> {
  const database = await servers.createDatabase();
  await database.asSuperuser(async (client) => {
    await insertPopulation(client, { ...USUAL_TENANT, tenants: 1, subscriptionsPerTenant }, seed);
    await settle(client);
  });
  return database;
}

async function time(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

function readInvoice(database: BenchDatabase): Promise<Omit<Invoiced, 'seconds'>> {
  return database.asSuperuser(async (client) => {
    const { rows } = await client.query<Omit<Invoiced, 'seconds'>>(`
      SELECT count(*)::int AS lines, md5(string_agg(jsonb_build_array(l.line_no, l.deployment_id,
        l.subscription_id, l.kind, l.resource_kind, l.description, trim_scale(l.qty)::text, l.unit,
        l.unit_price_cents, l.amount_cents, l.meta, i.number, i.total_cents, (
          SELECT jsonb_agg(jsonb_build_array(b.source, b.resource_kind, trim_scale(b.total)::text,
            u.disposition) ORDER BY b.source, b.resource_kind)
          FROM invoice_usage u JOIN usage_buckets b USING (bucket_id)
          WHERE (u.invoice_id, u.line_no) = (l.invoice_id, l.line_no) AND b.sealed_for = i.invoice_id
        ))::text, '' ORDER BY l.line_no)) AS content
      FROM invoices i JOIN invoice_lines l USING (invoice_id)`);
    const [invoice] = rows;
    if (!invoice) throw new Error('there is no invoice');
    return invoice;
  });
}
