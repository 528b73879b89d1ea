import { resolveOptions } from '../src/workflows/options.ts';
import { alternate, limitOf, type Round } from './lib/alternate.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { describeRun, measureMonthEnd } from './lib/measure-month-end.ts';
import { byMedian, describeRange, median } from './lib/median.ts';
import { USUAL_TENANT } from './lib/population.ts';
import type { MonthEndRun } from './lib/run-month-end.ts';
import { runSimulation, type Simulation } from './lib/run-simulation.ts';
import type { ServerOptions } from './lib/servers.ts';
import { storageOf, type TemporalStorage } from './lib/temporal-storage.ts';

/** Month ends on one server: one tenant per child, and several. */
interface Runs {
  readonly alone: StoredRun;
  readonly together: StoredRun;
}

/** A month end, and what production's server stored for it; null for the dev server. */
interface StoredRun extends MonthEndRun {
  readonly stored: TemporalStorage | null;
}

type Rated = Pick<MonthEndRun, 'tenants' | 'seconds'>;

const rateOf = ({ tenants, seconds }: Rated) => tenants / seconds;
const limitRateOf = (round: Round<Rated>) => limitOf(round, rateOf);
const ratioOf = (round: Round<Rated>) => rateOf(round.measured) / limitRateOf(round);

const KIBIBYTE = 1024;

/** Temporal gives work to the worker that polls first; this allows for a worker that started later. */
const LEAST_SHARE = 0.25;

/** How production's Temporal server compares with the dev server, and whether a second worker helps. */
export const cluster: Bench = {
  name: 'cluster',
  title: "Month end on production's Temporal server with PostgreSQL",
  sizes: {
    clusterTenants: { full: 500, smoke: 8 },
    clusterTenantsTogether: { full: 1500, smoke: 8 },
    clusterPerChild: { full: 25, smoke: 4 },
    clusterSimulated: { full: 600, smoke: 10 },
    clusterWarmUp: { full: 200, smoke: 2 },
    rounds: { full: 3, smoke: 1 },
  },
  async run(context) {
    const rounds = await alternate(
      sizeOf(context, 'rounds'),
      () => measureOn(context, { cluster: false }),
      () => measureOn(context, { cluster: true }),
    );
    const perChild = sizeOf(context, 'clusterPerChild');
    const of = (key: keyof Runs) =>
      rounds.map(({ measured, against: [before, after] }) => ({
        measured: measured[key],
        against: [before[key], after[key]] as const,
      }));
    return {
      figures: [
        compareServers(of('alone'), 'one tenant per child', 0.65),
        compareServers(of('together'), `${perChild} tenants per child`, 0.85),
        ...storageFigures(rounds.map(({ measured }) => measured)),
        ...(await compareWorkers(context)),
      ],
    };
  },
};

/** One server at a time: an idle one would take CPU time from the other. */
async function measureOn(context: BenchContext, options: ServerOptions): Promise<Runs> {
  await using servers = await context.startServers(options);
  const { temporalDatabaseUrl: url } = servers;
  const run = async (tenants: number, tenantsPerChild: number): Promise<StoredRun> => {
    const measure = () =>
      measureMonthEnd(context, servers, {
        shape: { ...USUAL_TENANT, tenants },
        options: { ...resolveOptions({}), tenantsPerChild },
      });
    if (url === null) return { ...(await measure()), stored: null };
    const { result, used } = await storageOf(url, measure);
    return { ...result, stored: used };
  };
  return {
    alone: await run(sizeOf(context, 'clusterTenants'), 1),
    together: await run(
      sizeOf(context, 'clusterTenantsTogether'),
      sizeOf(context, 'clusterPerChild'),
    ),
  };
}

function compareServers(
  rounds: readonly Round<MonthEndRun>[],
  how: string,
  atLeast: number,
): Figure {
  const round = byMedian(rounds, ratioOf);
  return {
    name: `month end, ${how}, on production's server`,
    measured: { value: rateOf(round.measured), unit: 'tenants/s' },
    against: { value: limitRateOf(round), unit: 'tenants/s', name: 'on the dev server' },
    ratio: ratioOf(round),
    bound: { atLeast },
    note: `${describeRange(rounds.map(ratioOf))}; ${describeRun(round.measured)}; on the dev server ${describeRun(round.against[0])}`,
  };
}

function storageFigures(runs: readonly Runs[]): Figure[] {
  const perTenant = (key: keyof Runs, what: keyof TemporalStorage) =>
    median(runs.map(({ [key]: { stored, tenants } }) => (stored?.[what] ?? Number.NaN) / tenants));
  const kibibytes = (key: keyof Runs, what: 'historyBytes' | 'visibilityBytes') => ({
    value: perTenant(key, what) / KIBIBYTE,
    unit: 'KiB',
  });
  return [
    {
      name: "commits per tenant in Temporal's databases, one tenant per child",
      measured: { value: perTenant('alone', 'commits'), unit: 'commits' },
    },
    {
      name: 'the same with several tenants per child',
      measured: { value: perTenant('together', 'commits'), unit: 'commits' },
    },
    {
      name: 'growth of the database of histories per tenant, one tenant per child',
      measured: kibibytes('alone', 'historyBytes'),
    },
    {
      name: 'growth of the database of visibility per tenant, one tenant per child',
      measured: kibibytes('alone', 'visibilityBytes'),
    },
  ];
}

/** With the database work taken away, the workers are what there is to share. */
async function compareWorkers(context: BenchContext): Promise<Figure[]> {
  await using servers = await context.startServers({ cluster: true });
  const simulate = async (workers: number) => {
    const tenants = sizeOf(context, 'clusterSimulated');
    const run = await runSimulation(servers, {
      tenants,
      tenantsPerChild: 1,
      workers,
      warmUpTenants: sizeOf(context, 'clusterWarmUp'),
    });
    context.log(`${workers} workers: ${rateOf(run).toFixed(1)} tenants per second`);
    return run;
  };
  const rounds = await alternate(
    sizeOf(context, 'rounds'),
    () => simulate(1),
    () => simulate(2),
  );
  const round = byMedian(rounds, ratioOf);
  const [uneven = round.measured] = rounds
    .map(({ measured }) => measured)
    .toSorted((a, b) => shareOf(a) - shareOf(b));
  return [
    {
      name: 'two workers, no database work',
      measured: { value: rateOf(round.measured), unit: 'tenants/s' },
      against: { value: limitRateOf(round), unit: 'tenants/s', name: 'one worker' },
      ratio: ratioOf(round),
      bound: { atLeast: 1 },
      note: describeRange(rounds.map(ratioOf)),
    },
    {
      name: "the less busy worker's share of the CPU time of both",
      measured: { value: Math.min(...uneven.cpuMsOfWorkers), unit: 'ms' },
      against: { value: uneven.cpuMs, unit: 'ms', name: 'both, in the most uneven round' },
      ratio: shareOf(uneven),
      bound: { atLeast: LEAST_SHARE },
    },
  ];
}

/** The less busy worker's part of the CPU time of all. */
function shareOf({ cpuMsOfWorkers, cpuMs }: Simulation): number {
  return Math.min(...cpuMsOfWorkers) / cpuMs;
}
