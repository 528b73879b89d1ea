import { sizeOf, type Bench, type BenchContext, type Chart, type Figure } from './lib/bench.ts';
import { describeActions } from './lib/count-actions.ts';
import { describeRun, measureMonthEnd } from './lib/measure-month-end.ts';
import { USUAL_TENANT } from './lib/population.ts';
import { readHistories, type HistoryCost } from './lib/read-histories.ts';
import type { MonthEndRun } from './lib/run-month-end.ts';
import { toMebibytes, WARNED_OF_EVENTS } from './lib/units.ts';

/** Fractions of the largest month that are closed too; the second one is the comparison. */
const PARTS = [0.05, 0.1, 0.25, 0.5, 1];
const AGAINST = 0.1;

const KIBIBYTE = 1024;

interface Point extends MonthEndRun {
  readonly cost: HistoryCost;
}

/** How cost per tenant and the worker's memory grow with the number of tenants. */
export const growth: Bench = {
  name: 'growth',
  title: 'Ten times the tenants',
  sizes: {
    tenants: { full: 10_000, smoke: 20 },
    // 0: only the two ends, without the curve in between.
    curve: { full: 1, smoke: 0 },
  },
  async run(context) {
    const tenants = sizeOf(context, 'tenants');
    const parts = sizeOf(context, 'curve') === 0 ? [AGAINST, 1] : PARTS;
    const points = new Map<number, Point>();
    for (const part of parts) points.set(part, await measure(context, Math.round(tenants * part)));
    const few = points.get(AGAINST);
    const many = points.get(1);
    if (!few || !many) throw new Error('the two ends were not measured');
    return {
      figures: [timePerTenant(many, few), memory(many, few), ...costs(many)],
      charts: charts([...points.values()]),
    };
  },
};

/** On separate servers, so that no run finds another's leftovers. */
async function measure(context: BenchContext, tenants: number): Promise<Point> {
  await using servers = await context.startServers();
  const measured = await measureMonthEnd(context, servers, { shape: { ...USUAL_TENANT, tenants } });
  const cost = await readHistories(measured.namespace.client, tenants);
  return { ...measured, cost };
}

function msPerTenant({ seconds, tenants }: MonthEndRun): number {
  return (seconds * 1000) / tenants;
}

function mebibytes({ peakMemoryBytes }: MonthEndRun): number {
  return toMebibytes(peakMemoryBytes);
}

function timePerTenant(many: Point, few: Point): Figure {
  return {
    name: 'time per tenant',
    measured: { value: msPerTenant(many), unit: 'ms' },
    against: { value: msPerTenant(few), unit: 'ms', name: `with ${few.tenants} tenants` },
    ratio: msPerTenant(many) / msPerTenant(few),
    bound: { atMost: 1.15 },
    note: describeRun(many),
  };
}

function memory(many: Point, few: Point): Figure {
  return {
    name: "the worker's peak memory",
    measured: { value: mebibytes(many), unit: 'MiB' },
    against: { value: mebibytes(few), unit: 'MiB', name: `with ${few.tenants} tenants` },
    ratio: mebibytes(many) / mebibytes(few),
    bound: { atMost: 1.25 },
  };
}

function costs({ tenants, cost }: Point): readonly Figure[] {
  const { actions, bytes, mostEvents, monthRuns, monthActions, childActions, childrenRead } = cost;
  return [
    {
      name: 'events in the longest run of monthEnd',
      measured: { value: mostEvents, unit: 'events' },
      bound: { atMost: WARNED_OF_EVENTS - 1 },
      note: `${tenants} tenants in ${monthRuns} runs; Temporal warns at ${WARNED_OF_EVENTS}`,
    },
    {
      name: 'billable actions per tenant',
      measured: { value: actions / tenants, unit: 'actions' },
      bound: { atMost: 4 },
      note: `the month, for each tenant: ${describeActions(monthActions, tenants)}; a child: ${describeActions(childActions, childrenRead)}`,
    },
    {
      name: 'history per tenant',
      measured: { value: bytes / tenants / KIBIBYTE, unit: 'KiB' },
      bound: { atMost: 6 },
    },
  ];
}

function charts(points: readonly Point[]): readonly Chart[] {
  const series = (value: (point: Point) => number) => [
    { name: 'month end', points: points.map((point) => ({ x: point.tenants, y: value(point) })) },
  ];
  return [
    {
      name: 'growth-time',
      title: 'Time per tenant through a whole month end',
      xLabel: 'tenants',
      yLabel: 'ms per tenant',
      series: series(msPerTenant),
    },
    {
      name: 'growth-memory',
      title: "The worker's peak memory",
      xLabel: 'tenants',
      yLabel: 'MiB',
      series: series(mebibytes),
    },
  ];
}
