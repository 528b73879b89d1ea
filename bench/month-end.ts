import { resolveOptions } from '../src/workflows/options.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { describeRun, measureMonthEnd } from './lib/measure-month-end.ts';
import { byMedian } from './lib/median.ts';
import { USUAL_TENANT, type PopulationShape } from './lib/population.ts';
import { runFanOut } from './lib/run-fan-out.ts';
import type { MonthEndRun } from './lib/run-month-end.ts';
import type { BenchServers } from './lib/servers.ts';
import { startBareWorkerProcess } from './lib/worker-process.ts';

/** Invoices per second of tuned Kill Bill 0.24.16, with one subscription each; see docs/performance.md. */
const KILL_BILL_PER_SECOND = 55;

/** The population Kill Bill was measured with: one subscription, ten usage records, nothing else. */
const KILL_BILL_TENANT = {
  subscriptionsPerTenant: 1,
  withAddon: false,
  meteredKinds: 1,
  recordsPerKind: 10,
  llmEvents: 0,
} as const satisfies Omit<PopulationShape, 'tenants'>;

/** The steps of a tenant's child, each a local activity. */
const STEPS = 4;

/** A month end with bare children before and after it, so that the machine's other load affects all of them. */
interface Round {
  readonly run: MonthEndRun;
  /** Children per second that run as many empty local activities as a tenant has steps. */
  readonly floor: number;
  /** The same with one empty local activity. */
  readonly singleFloor: number;
}

const ratioOf = ({ run, floor }: Round) => run.tenantsPerSecond / floor;

/** How fast a month is closed, compared with the engine's limit for one child per tenant. */
export const monthEnd: Bench = {
  name: 'month-end',
  title: 'Tenants per second through a whole month end',
  sizes: {
    tenants: { full: 1000, smoke: 8 },
    tenantsPerChild: { full: 25, smoke: 4 },
    rounds: { full: 3, smoke: 1 },
  },
  async run(context) {
    const tenants = sizeOf(context, 'tenants');
    const tenantsPerChild = sizeOf(context, 'tenantsPerChild');
    const shape = { ...USUAL_TENANT, tenants };
    await using servers = await context.startServers();
    const rounds: Round[] = [];
    let floorBefore = await measureFanOut(context, servers, tenants, STEPS);
    while (rounds.length < sizeOf(context, 'rounds')) {
      const run = await measureMonthEnd(context, servers, { shape });
      const singleFloor = await measureFanOut(context, servers, tenants, 1);
      const floorAfter = await measureFanOut(context, servers, tenants, STEPS);
      rounds.push({ run, floor: (floorBefore + floorAfter) / 2, singleFloor });
      floorBefore = floorAfter;
    }
    const round = byMedian(rounds, ratioOf);
    const single = round.run;
    const figures = onePerChild(round);
    if (tenantsPerChild > 1) {
      const options = { ...resolveOptions({}), tenantsPerChild };
      const several = await measureMonthEnd(context, servers, { shape, options });
      figures.push(manyPerChild(several, single, tenantsPerChild));
      const like = await measureMonthEnd(context, servers, {
        shape: { ...KILL_BILL_TENANT, tenants },
        options,
      });
      figures.push(againstKillBill(like, tenantsPerChild));
    }
    return { figures };
  },
};

async function measureFanOut(
  { log }: BenchContext,
  servers: BenchServers,
  children: number,
  calls: number,
): Promise<number> {
  const { maxChildren } = resolveOptions({});
  const database = await servers.createDatabase();
  const namespace = await servers.claimNamespace();
  await using worker = await startBareWorkerProcess({ servers, database, namespace });
  const run = await runFanOut({ client: namespace.client, worker, children, maxChildren, calls });
  log(
    `${children} bare children with ${calls} calls: ${run.childrenPerSecond.toFixed(1)} per second`,
  );
  return run.childrenPerSecond;
}

function onePerChild(round: Round): Figure[] {
  const { run, floor, singleFloor } = round;
  const measured = { value: run.tenantsPerSecond, unit: 'tenants/s' };
  return [
    {
      name: 'month end, one tenant per child',
      measured,
      against: {
        value: floor,
        unit: 'children/s',
        name: 'a child with four empty local activities',
      },
      ratio: ratioOf(round),
      bound: { atLeast: 0.6 },
      note: describeRun(run),
    },
    {
      name: 'month end, one tenant per child',
      measured,
      against: {
        value: singleFloor,
        unit: 'children/s',
        name: 'a child with one empty local activity',
      },
      ratio: run.tenantsPerSecond / singleFloor,
      bound: { atLeast: 0.55 },
    },
  ];
}

function manyPerChild(run: MonthEndRun, single: MonthEndRun, tenantsPerChild: number): Figure {
  return {
    name: `month end, ${tenantsPerChild} tenants per child`,
    measured: { value: run.tenantsPerSecond, unit: 'tenants/s' },
    against: { value: single.tenantsPerSecond, unit: 'tenants/s', name: 'one tenant per child' },
    ratio: run.tenantsPerSecond / single.tenantsPerSecond,
    bound: { atLeast: 6 },
    note: describeRun(run),
  };
}

function againstKillBill(run: MonthEndRun, tenantsPerChild: number): Figure {
  return {
    name: `one subscription and 10 usage records a tenant, ${tenantsPerChild} tenants per child`,
    measured: { value: run.tenantsPerSecond, unit: 'invoices/s' },
    against: {
      value: KILL_BILL_PER_SECOND,
      unit: 'invoices/s',
      name: 'Kill Bill 0.24.16, tuned, on such a machine',
    },
    ratio: run.tenantsPerSecond / KILL_BILL_PER_SECOND,
    bound: { atLeast: 6 },
    note: describeRun(run),
  };
}
