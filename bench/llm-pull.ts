import type { Activities } from '../src/activities/create-activities.ts';
import type { DraftRef } from '../src/contracts/month-end-types.ts';
import { sizeOf, type Bench, type BenchContext } from './lib/bench.ts';
import { median } from './lib/median.ts';
import { insertPopulation, MONTH, settle } from './lib/population.ts';
import { newRun, openProduct } from './lib/product.ts';
import type { BenchServers } from './lib/servers.ts';

const TENANT = 'tenant-000001';
const DEPLOYMENTS = 10;

/** Whether the cost of pulling a tenant's LLM lines depends on its events or only on its buckets. */
export const llmPull: Bench = {
  name: 'llm-pull',
  title: "A tenant's LLM lines, with a thousand times the events",
  sizes: {
    events: { full: 1_000_000, smoke: 2000 },
    fewEvents: { full: 1000, smoke: 100 },
    pulls: { full: 400, smoke: 10 },
  },
  async run(context) {
    const events = sizeOf(context, 'events');
    const fewEvents = sizeOf(context, 'fewEvents');
    const pulls = sizeOf(context, 'pulls');
    await using servers = await context.startServers();
    await using few = await openTenant(context, servers, fewEvents);
    await using many = await openTenant(context, servers, events);
    const fewMs: number[] = [];
    const manyMs: number[] = [];
    // Alternating, so that the machine's other load affects both.
    for (let pull = 0; pull < pulls; pull += 1) {
      fewMs.push(await timePull(few));
      manyMs.push(await timePull(many));
    }
    return {
      figures: [
        {
          name: "pulling a tenant's LLM lines",
          measured: { value: median(manyMs), unit: 'ms' },
          against: { value: median(fewMs), unit: 'ms', name: `with ${fewEvents} events` },
          ratio: median(manyMs) / median(fewMs),
          bound: { atMost: 2 },
          note: `${events} events of ${DEPLOYMENTS} deployments; the median of ${pulls} pulls`,
        },
      ],
    };
  },
};

/** A tenant with usage sealed for an open draft. */
interface OpenTenant extends AsyncDisposable {
  readonly activities: Activities;
  readonly drafts: readonly DraftRef[];
  readonly owner: string;
}

async function openTenant(
  { seed, log }: BenchContext,
  servers: BenchServers,
  events: number,
): Promise<OpenTenant> {
  const database = await servers.createDatabase();
  await database.asSuperuser(async (client) => {
    const shape = {
      tenants: 1,
      subscriptionsPerTenant: DEPLOYMENTS,
      withAddon: false,
      meteredKinds: 0,
      recordsPerKind: 0,
      llmEvents: Math.round(events / DEPLOYMENTS),
    } as const;
    await insertPopulation(client, shape, seed);
    await settle(client);
  });
  log(`${events} events are there`);
  const { activities, [Symbol.asyncDispose]: dispose } = await openProduct(
    database,
    await servers.claimNamespace(),
  );
  const run = newRun();
  const { drafts } = await activities.openDrafts({ month: MONTH, tenantIds: [TENANT], ...run });
  return { activities, drafts, owner: run.owner, [Symbol.asyncDispose]: dispose };
}

async function timePull({ activities, drafts, owner }: OpenTenant): Promise<number> {
  const startedAt = performance.now();
  const { parked } = await activities.pullLlmUsage({ month: MONTH, drafts, owner });
  if (parked.length > 0) throw new Error(`nothing was pulled: ${JSON.stringify(parked)}`);
  return performance.now() - startedAt;
}
