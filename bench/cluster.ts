import { resolveOptions } from '../src/workflows/options.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { describeRun, measureMonthEnd } from './lib/measure-month-end.ts';
import { byMedian } from './lib/median.ts';
import { USUAL_TENANT } from './lib/population.ts';
import type { MonthEndRun } from './lib/run-month-end.ts';
import { runSimulation, type Simulation } from './lib/run-simulation.ts';
import type { ServerOptions } from './lib/servers.ts';

/** Month ends on one server: one tenant per child, and several. */
interface Runs {
  readonly alone: MonthEndRun;
  readonly together: MonthEndRun;
}

/** The same month end on production's server, and on the dev server before and after it. */
interface Round {
  readonly cluster: MonthEndRun;
  readonly dev: readonly [MonthEndRun, MonthEndRun];
}

const devRateOf = ({ dev: [before, after] }: Round) =>
  (before.tenantsPerSecond + after.tenantsPerSecond) / 2;
const ratioOf = (round: Round) => round.cluster.tenantsPerSecond / devRateOf(round);

/** Temporal gives work to the worker that polls first; this allows for a worker that started later. */
const LEAST_SHARE = 0.25;

/** How production's Temporal server compares with the dev server, and whether a second worker helps. */
export const cluster: Bench = {
  name: 'cluster',
  title: "Month end on production's Temporal server with PostgreSQL",
  sizes: {
    clusterTenants: { full: 1000, smoke: 8 },
    clusterPerChild: { full: 25, smoke: 4 },
    clusterSimulated: { full: 1000, smoke: 10 },
    clusterRounds: { full: 1, smoke: 1 },
  },
  async run(context) {
    const alone: Round[] = [];
    const together: Round[] = [];
    let before = await measureOn(context, { cluster: false });
    while (alone.length < sizeOf(context, 'clusterRounds')) {
      const cluster = await measureOn(context, { cluster: true });
      const after = await measureOn(context, { cluster: false });
      alone.push({ cluster: cluster.alone, dev: [before.alone, after.alone] });
      together.push({ cluster: cluster.together, dev: [before.together, after.together] });
      before = after;
    }
    const perChild = sizeOf(context, 'clusterPerChild');
    return {
      figures: [
        compare(byMedian(alone, ratioOf), 'one tenant per child', 0.65),
        compare(byMedian(together, ratioOf), `${perChild} tenants per child`, 0.85),
        ...(await compareWorkers(context)),
      ],
    };
  },
};

/** One server at a time: an idle one would take CPU time from the other. */
async function measureOn(context: BenchContext, options: ServerOptions): Promise<Runs> {
  await using servers = await context.startServers(options);
  const run = (tenantsPerChild: number) =>
    measureMonthEnd(context, servers, {
      shape: { ...USUAL_TENANT, tenants: sizeOf(context, 'clusterTenants') },
      options: { ...resolveOptions({}), tenantsPerChild },
    });
  const alone = await run(1);
  return { alone, together: await run(sizeOf(context, 'clusterPerChild')) };
}

function compare(round: Round, how: string, atLeast: number): Figure {
  const {
    cluster,
    dev: [dev],
  } = round;
  return {
    name: `month end, ${how}, on production's server`,
    measured: { value: cluster.tenantsPerSecond, unit: 'tenants/s' },
    against: { value: devRateOf(round), unit: 'tenants/s', name: 'on the dev server' },
    ratio: ratioOf(round),
    bound: { atLeast },
    note: `${describeRun(cluster)}; on the dev server ${describeRun(dev)}`,
  };
}

/** With the database work taken away, the workers are what there is to share. */
async function compareWorkers(context: BenchContext): Promise<Figure[]> {
  await using servers = await context.startServers({ cluster: true });
  const simulate = async (workers: number) => {
    const tenants = sizeOf(context, 'clusterSimulated');
    const run = await runSimulation(servers, { tenants, tenantsPerChild: 1, workers });
    context.log(`${workers} workers: ${rateOf(run).toFixed(1)} tenants per second`);
    return run;
  };
  const one = await simulate(1);
  const two = await simulate(2);
  const smaller = Math.min(...two.cpuMsOfWorkers);
  return [
    {
      name: 'two workers, no database work',
      measured: { value: rateOf(two), unit: 'tenants/s' },
      against: { value: rateOf(one), unit: 'tenants/s', name: 'one worker' },
      ratio: rateOf(two) / rateOf(one),
      bound: { atLeast: 1 },
    },
    {
      name: "the less busy worker's share of the CPU time of both",
      measured: { value: smaller, unit: 'ms' },
      against: { value: two.cpuMs, unit: 'ms', name: 'both' },
      ratio: smaller / two.cpuMs,
      bound: { atLeast: LEAST_SHARE },
    },
  ];
}

function rateOf({ tenants, seconds }: Simulation): number {
  return tenants / seconds;
}
