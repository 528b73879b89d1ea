import type { RunHistory } from './lib/describe-runs.ts';
import { sizeOf, type Bench, type Figure } from './lib/bench.ts';
import { runSimulation, type Simulation } from './lib/run-simulation.ts';
import { toMebibytes, WARNED_OF_EVENTS } from './lib/units.ts';

/** A tenth of the tenants, to show growth. */
const SMALLER = 10;

/**
 * How the fan-out itself scales: the real workflows close a month of very many tenants, with
 * activities answered from memory. The dev server also keeps everything in memory, so this measures
 * the engine, not the disk.
 */
export const fanOut: Bench = {
  name: 'fan-out',
  title: 'The fan-out of very many tenants, with the database work taken away',
  sizes: {
    simulatedTenants: { full: 100_000, smoke: 150 },
    simulatedAlone: { full: 2_000, smoke: 10 },
    simulatedPerChild: { full: 25, smoke: 5 },
  },
  async run(context) {
    const tenants = sizeOf(context, 'simulatedTenants');
    const tenantsPerChild = sizeOf(context, 'simulatedPerChild');
    await using servers = await context.startServers({ durable: false });
    const simulate = async (size: { tenants: number; tenantsPerChild: number }) => {
      const simulation = await runSimulation(servers, size);
      context.log(`${size.tenantsPerChild} a child: ${describe(simulation)}`);
      return simulation;
    };
    const alone = await simulate({
      tenants: sizeOf(context, 'simulatedAlone'),
      tenantsPerChild: 1,
    });
    const small = await simulate({ tenants: Math.ceil(tenants / SMALLER), tenantsPerChild });
    const large = await simulate({ tenants, tenantsPerChild });
    return {
      figures: [
        rate(large, alone, tenantsPerChild),
        growthOfTime(large, small),
        growthOfMemory(large, small),
        longestHistory([alone, small, large]),
      ],
    };
  },
};

function rate(large: Simulation, alone: Simulation, tenantsPerChild: number): Figure {
  return {
    name: `fan-out of ${large.tenants} tenants, ${tenantsPerChild} a child, no database work`,
    measured: { value: large.tenants / large.seconds, unit: 'tenants/s' },
    against: { value: alone.tenants / alone.seconds, unit: 'tenants/s', name: 'one a child' },
    ratio: large.tenants / large.seconds / (alone.tenants / alone.seconds),
    note: `${describe(large)}; alone: ${describe(alone)}`,
  };
}

function growthOfTime(large: Simulation, small: Simulation): Figure {
  const perTenant = ({ seconds, tenants }: Simulation) => (seconds * 1000) / tenants;
  return {
    name: `time per tenant at ${large.tenants} tenants`,
    measured: { value: perTenant(large), unit: 'ms' },
    against: { value: perTenant(small), unit: 'ms', name: `at ${small.tenants}` },
    ratio: perTenant(large) / perTenant(small),
    bound: { atMost: 1.15 },
  };
}

function growthOfMemory(large: Simulation, small: Simulation): Figure {
  return {
    name: `worker's peak memory at ${large.tenants} tenants`,
    measured: { value: Math.round(toMebibytes(large.peakMemoryBytes)), unit: 'MiB' },
    against: {
      value: Math.round(toMebibytes(small.peakMemoryBytes)),
      unit: 'MiB',
      name: `at ${small.tenants}`,
    },
    ratio: large.peakMemoryBytes / small.peakMemoryBytes,
  };
}

function longestHistory(simulations: readonly Simulation[]): Figure {
  const events = Math.max(...simulations.flatMap(({ runs }) => runs.map((run) => run.events)));
  return {
    name: 'events in the longest history of a monthEnd run',
    measured: { value: events, unit: 'events' },
    against: { value: WARNED_OF_EVENTS, unit: 'events', name: "Temporal's warning" },
    ratio: events / WARNED_OF_EVENTS,
    bound: { atMost: 1 },
  };
}

function describe(simulation: Simulation): string {
  const { tenants, children, seconds, cpuMs, serverGrowthBytes, runs, child } = simulation;
  const perChild = (of: keyof RunHistory) =>
    (runs.reduce((sum, run) => sum + run[of], 0) / children).toFixed(1);
  return [
    `${tenants} tenants in ${seconds.toFixed(1)} s`,
    `${(children / seconds).toFixed(1)} children/s`,
    `${(cpuMs / children).toFixed(1)} ms of the worker's CPU a child`,
    `${Math.round(toMebibytes(simulation.peakMemoryBytes))} MiB at most`,
    `${runs.length} runs of monthEnd, for each child ${perChild('events')} events, ` +
      `${perChild('bytes')} bytes and ${perChild('stateTransitions')} state transitions`,
    `a child's own ${child.events} events, ${child.bytes} bytes, ${child.stateTransitions} transitions`,
    ...(serverGrowthBytes === null
      ? []
      : [`server + ${(serverGrowthBytes / children / 1024).toFixed(1)} KiB a child`]),
  ].join(', ');
}
