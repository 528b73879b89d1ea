import { alternate, limitOf } from './lib/alternate.ts';
import { sizeOf, type Bench, type BenchContext, type Figure } from './lib/bench.ts';
import { countStatements, logStatements } from './lib/count-statements.ts';
import { describeRun, measureMonthEnd } from './lib/measure-month-end.ts';
import { byMedian, describeRange } from './lib/median.ts';
import { USUAL_TENANT } from './lib/population.ts';
import type { MonthEndRun } from './lib/run-month-end.ts';
import type { BenchServers } from './lib/servers.ts';

/** When no part of a month could be billed yet, a tenant's month end took 15.5 statements. */
const MOST_STATEMENTS = 16;

/** What it costs that every deployment changes its plan within the month, so that all its charges are prorated. */
export const planChanges: Bench = {
  name: 'plan-changes',
  title: 'A month in which every tenant changes plan',
  sizes: {
    changingTenants: { full: 500, smoke: 8 },
    // Counted apart, because logging each statement takes time.
    countedTenants: { full: 100, smoke: 4 },
    rounds: { full: 3, smoke: 1 },
  },
  async run(context) {
    await using servers = await context.startServers();
    const close = (changesPlan: boolean) =>
      measureMonthEnd(context, servers, {
        shape: { ...USUAL_TENANT, changesPlan, tenants: sizeOf(context, 'changingTenants') },
      });
    const rounds = await alternate<MonthEndRun>(
      sizeOf(context, 'rounds'),
      () => close(false),
      () => close(true),
    );
    const ratioOf = (round: (typeof rounds)[number]) =>
      cpuOf(round.measured) / limitOf(round, cpuOf);
    const round = byMedian(rounds, ratioOf);
    return {
      figures: [
        ...(await compareStatements(context, servers)),
        {
          name: 'CPU time per tenant of worker and servers',
          measured: { value: cpuOf(round.measured), unit: 'ms' },
          against: { value: limitOf(round, cpuOf), unit: 'ms', name: 'in a month without changes' },
          ratio: ratioOf(round),
          bound: { atMost: 1.5 },
          note:
            `${describeRange(rounds.map(ratioOf))}; ${describeRun(round.measured)}; ` +
            `without changes ${describeRun(round.against[0])}`,
        },
      ],
    };
  },
};

function cpuOf({ tenants, cpuMs, serverCpu }: MonthEndRun): number {
  return (cpuMs + (serverCpu ? serverCpu.postgresMs + serverCpu.temporalMs : 0)) / tenants;
}

async function compareStatements(
  context: BenchContext,
  servers: BenchServers,
): Promise<readonly Figure[]> {
  const tenants = sizeOf(context, 'countedTenants');
  const count = async (changesPlan: boolean) => {
    const statements = await countStatements(servers, () =>
      measureMonthEnd(context, servers, {
        shape: { ...USUAL_TENANT, changesPlan, tenants },
        load: logStatements,
      }),
    );
    return statements / tenants;
  };
  const plain = await count(false);
  const changed = await count(true);
  return [
    {
      name: 'statements per tenant in a month without changes',
      measured: { value: plain, unit: 'statements' },
      bound: { atMost: MOST_STATEMENTS },
    },
    {
      name: 'statements per tenant in a month in which every tenant changes plan',
      measured: { value: changed, unit: 'statements' },
      against: { value: plain, unit: 'statements', name: 'in a month without changes' },
      ratio: changed / plain,
      bound: { atMost: 1.5 },
    },
  ];
}
