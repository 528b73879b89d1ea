import { setTimeout as sleep } from 'node:timers/promises';
import type { Finance } from './finance.ts';
import type { Operator } from './operator.ts';
import type { HeldConnection, PostgresProxy } from './postgres-proxy.ts';
import type { SupervisedProcess } from './processes.ts';
import type { Part, Step } from './schedule.ts';
import type { FaultServers } from './servers.ts';
import { asSuperuserAgain } from './superuser.ts';

/** What faults are done to. */
export interface FaultTargets {
  readonly servers: FaultServers;
  readonly proxies: Readonly<Record<Part, PostgresProxy>>;
  readonly processes: Readonly<Record<Part, SupervisedProcess>>;
  readonly operator: Operator;
  readonly finance: Finance;
  /** Silent connections; the side that waits for an answer must give each of them up. */
  readonly silent: HeldConnection[];
}

/** Far more than any moment takes to come, a restart before it included. */
const MOMENT_TIMEOUT_MS = 90_000;
const REFUSALS_TIMEOUT_MS = 15_000;
const LOOK_EVERY_MS = 20;

/** Waits for the step's moment and does its fault. Resolves when the fault is over. */
export async function inject(step: Step, targets: FaultTargets): Promise<void> {
  const held = await holdAt(step, targets.proxies[step.part]);
  const { servers, processes, operator, finance } = targets;
  switch (step.kind) {
    case 'workerBeforeBegin':
    case 'workerBeforeCommit':
    case 'workerAfterCommit':
    case 'apiBeforeCommit':
    case 'apiAfterCommit':
      processes[step.part].kill();
      held.cut();
      return;
    case 'cutBeforeCommit':
    case 'cutAfterCommit':
      held.cut();
      return;
    case 'silence':
      targets.silent.push(held);
      // The network forgets it as well, and the server ends what it had begun.
      void held.ended.then(() => held.cut());
      return;
    case 'postgresFast':
      return during(servers.postgres.restart('fast'), held);
    case 'postgresImmediate':
      return during(servers.postgres.restart('immediate'), held);
    case 'temporalStop':
      return during(servers.temporal.restart('stop'), held);
    case 'temporalKill':
      return during(servers.temporal.restart('kill'), held);
    case 'exhausted':
      held.release();
      return refuseConnections(step.size, targets);
    case 'burst':
      held.release();
      await Promise.all([operator.burst(step.size), operator.startTwice()]);
      return;
    case 'hands':
      held.release();
      await Promise.all([finance.burst(2 * step.size), operator.burst(step.size)]);
      return;
  }
}

async function holdAt({ moment, nth }: Step, proxy: PostgresProxy): Promise<HeldConnection> {
  const trap = proxy.holdAt(moment, nth);
  const timer = setTimeout(() => trap.cancel(), MOMENT_TIMEOUT_MS);
  try {
    return await trap.caught;
  } finally {
    clearTimeout(timer);
  }
}

/** Releases the connection while the server goes down, so the two race. */
async function during(fault: Promise<void>, held: HeldConnection): Promise<void> {
  held.release();
  await fault;
}

/** Every connection is refused until so many have been. */
async function refuseConnections(
  refusals: number,
  { servers, proxies }: FaultTargets,
): Promise<void> {
  const both = [proxies.worker, proxies.api];
  const refused = () => both.reduce((sum, proxy) => sum + proxy.refusals, 0);
  const { superuserUrl } = servers.postgres;
  const limit = (connections: number) =>
    asSuperuserAgain(superuserUrl, async (client) => {
      await client.query(`ALTER ROLE arcadia_api CONNECTION LIMIT ${connections}`);
      await client.query(`ALTER ROLE arcadia_worker CONNECTION LIMIT ${connections}`);
    });
  const before = refused();
  await limit(0);
  try {
    for (const proxy of both) proxy.cutAll();
    const deadline = Date.now() + REFUSALS_TIMEOUT_MS;
    while (refused() < before + refusals && Date.now() < deadline) await sleep(LOOK_EVERY_MS);
  } finally {
    await limit(-1);
  }
}
