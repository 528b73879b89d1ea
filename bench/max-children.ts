import { resolveOptions } from '../src/workflows/options.ts';
import { sizeOf, type Bench, type Figure } from './lib/bench.ts';
import { describeRun, measureMonthEnd } from './lib/measure-month-end.ts';
import { byMedian, describeRange } from './lib/median.ts';
import { USUAL_TENANT } from './lib/population.ts';
import type { MonthEndRun } from './lib/run-month-end.ts';

/** Pools that are tried, as multiples of the default. */
const MULTIPLES = [1, 2, 4] as const;

type Round = ReadonlyMap<number, MonthEndRun>;

/** Whether more concurrent children than the default would close a month faster. */
export const maxChildren: Bench = {
  name: 'max-children',
  title: 'Month end with more concurrent children than the default',
  sizes: {
    poolTenants: { full: 600, smoke: 8 },
    rounds: { full: 3, smoke: 1 },
  },
  async run(context) {
    const options = resolveOptions({});
    await using servers = await context.startServers();
    const rounds: Round[] = [];
    while (rounds.length < sizeOf(context, 'rounds')) {
      // Every second round in reverse order, so that the machine's drift affects all pools alike.
      const order = rounds.length % 2 === 0 ? MULTIPLES : MULTIPLES.toReversed();
      const round = new Map<number, MonthEndRun>();
      for (const multiple of order) {
        const run = await measureMonthEnd(context, servers, {
          shape: { ...USUAL_TENANT, tenants: sizeOf(context, 'poolTenants') },
          options: { ...options, maxChildren: multiple * options.maxChildren },
        });
        round.set(multiple, run);
      }
      rounds.push(round);
    }
    return {
      figures: MULTIPLES.filter((multiple) => multiple !== 1).map((multiple) =>
        compare(rounds, multiple, options.maxChildren),
      ),
    };
  },
};

function compare(rounds: readonly Round[], multiple: number, byDefault: number): Figure {
  const ratioOf = (round: Round) => rateOf(round, multiple) / rateOf(round, 1);
  const round = byMedian(rounds, ratioOf);
  const run = round.get(multiple);
  return {
    name: `month end, ${multiple * byDefault} concurrent children`,
    measured: { value: rateOf(round, multiple), unit: 'tenants/s' },
    against: { value: rateOf(round, 1), unit: 'tenants/s', name: `with ${byDefault}` },
    ratio: ratioOf(round),
    note: `${describeRange(rounds.map(ratioOf))}${run ? `; ${describeRun(run)}` : ''}`,
  };
}

function rateOf(round: Round, multiple: number): number {
  return round.get(multiple)?.tenantsPerSecond ?? Number.NaN;
}
